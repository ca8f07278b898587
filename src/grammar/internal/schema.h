// A JSON schema as a graph of nodes: what the keywords say, with references resolved and drafts
// made equal. Built by schema_reader, immutable afterwards.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "grammar/internal/expr_pool.h"
#include "grammar/internal/number.h"

namespace chasqui::grammar {

using NodeId = uint32_t;
inline constexpr NodeId kAnyValue = 0;  // the schema `true`
inline constexpr NodeId kNoValue = 1;   // the schema `false`
inline constexpr NodeId kNoNode = 0xFFFFFFFF;

// Kinds of values as bits. `true` and `false` are two, for enum.
enum ValueBits : uint8_t {
  kNullBit = 1,
  kTrueBit = 2,
  kFalseBit = 4,
  kNumberBit = 8,
  kStringBit = 16,
  kArrayBit = 32,
  kObjectBit = 64,
};
inline constexpr uint8_t kAllBits = 127;
inline constexpr int kValueKinds = 7;

struct ObjectRules {
  std::vector<std::pair<std::string, NodeId>> properties;  // sorted by name
  std::vector<std::pair<ExprId, NodeId>> patterns;
  NodeId additional = kAnyValue;
  NodeId names = kNoNode;             // propertyNames
  std::vector<std::string> required;  // sorted
  uint32_t least = 0;
  uint32_t most = kUnbounded;
  std::vector<std::pair<std::string, std::vector<std::string>>> needs;  // dependentRequired
};

struct ArrayRules {
  std::vector<NodeId> prefix;
  NodeId rest = kAnyValue;
  NodeId contains = kNoNode;
  uint32_t least_contained = 1;
  uint32_t most_contained = kUnbounded;
  uint32_t least = 0;
  uint32_t most = kUnbounded;
  bool unique = false;
};

struct SchemaNode {
  uint8_t kinds = kAllBits;
  bool integers_only = false;  // of numbers
  ExprId text = kNever;        // of strings, resolved; kNever: any (kinds says when none)
  std::optional<NumberRules> number;
  std::optional<ObjectRules> object;
  std::optional<ArrayRules> array;

  // Applied to the same value.
  std::vector<NodeId> all_of;
  std::vector<std::vector<NodeId>> any_of;  // one of each group at least
  std::vector<std::vector<NodeId>> one_of;  // exactly one of each group
  NodeId negated = kNoNode;
  NodeId condition = kNoNode;  // if; then and else are kAnyValue where they are not given
  NodeId then_node = kAnyValue;
  NodeId else_node = kAnyValue;
  std::vector<std::pair<std::string, NodeId>> when_present;  // dependentSchemas
};

struct SchemaGraph {
  std::vector<SchemaNode> nodes;
  NodeId root = kAnyValue;
  // In-place nodes before those that they are applied by.
  std::vector<NodeId> order;
  std::vector<ExprId> texts;  // by node: the strings that it accepts, everything in place included

  size_t bytes_held() const;  // about; schema_bytes.cc
};

// Calls `visit(NodeId)` for each node that is applied to the same value as `node`.
template <typename Visit>
void for_each_in_place(const SchemaNode& node, const Visit& visit) {
  for (const NodeId id : node.all_of) visit(id);
  for (const auto& group : node.any_of) {
    for (const NodeId id : group) visit(id);
  }
  for (const auto& group : node.one_of) {
    for (const NodeId id : group) visit(id);
  }
  if (node.negated != kNoNode) visit(node.negated);
  for (const auto& [key, id] : node.when_present) visit(id);
  if (node.condition == kNoNode) return;
  visit(node.condition);
  visit(node.then_node);
  visit(node.else_node);
}

}  // namespace chasqui::grammar
