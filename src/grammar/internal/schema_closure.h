// The schemas that apply to one value: those asked for (the roots) and everything that they apply
// in place, with what a machine needs to follow them through an object or a list.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "grammar/internal/schema.h"

namespace chasqui::grammar {

// A schema that a member of a container must be checked against, on behalf of one of the closure's
// nodes.
struct Want {
  uint32_t slot = 0;
  NodeId node = kAnyValue;
  bool counts = false;  // `contains`: failing it is no failure
};

struct MemberPlan {
  std::vector<Want> wants;
  std::vector<uint32_t> fails;  // slots that the key alone refuses
};

struct Closure {
  std::vector<NodeId> nodes;  // by slot; in-place children come first
  std::unordered_map<NodeId, uint32_t> slots;
  std::vector<uint32_t> root_slots;

  bool has_number_rules = false;
  bool tracks_number_text = false;

  // Objects. Keys that some node names, sorted; a key's place in this list is its index.
  std::vector<std::string> keys;
  std::vector<MemberPlan> key_plans;            // by key
  std::vector<ExprId> key_exprs;                // patterns and propertyNames, each once
  std::vector<std::vector<uint32_t>> required;  // by slot: keys
  uint32_t count_cap = 0;                       // larger numbers of members are all alike
  // While an object has fewer members, a doubled key could fool minProperties, so that the keys
  // which nobody names are told apart by their hashes.
  uint32_t hashed_members = 0;
  uint32_t index_cap = 0;  // the same for items
  uint32_t contained_cap = 0;

  uint32_t key_index(std::string_view key) const;  // keys.size() when nobody names it
  size_t bytes_held() const;                       // about; schema_bytes.cc
};

class ClosureBuilder {
 public:
  ClosureBuilder(const SchemaGraph& graph, ExprPool& pool) : graph_(graph), pool_(pool) {}
  Closure build(const std::vector<NodeId>& roots);

  // What a key that nobody names asks for, when closure.key_exprs have come to `exprs`.
  MemberPlan plan_other(const Closure& closure, const std::vector<ExprId>& exprs) const;

 private:
  void add_nodes(const std::vector<NodeId>& roots, Closure& closure) const;
  void add_keys(Closure& closure) const;
  void add_limits(Closure& closure) const;
  MemberPlan plan_key(const Closure& closure, const std::string& key) const;

  const SchemaGraph& graph_;
  ExprPool& pool_;
};

}  // namespace chasqui::grammar
