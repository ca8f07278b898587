#include "grammar/internal/schema_closure.h"

#include <algorithm>
#include <set>

namespace chasqui::grammar {
namespace {

// What a rule about a count can tell apart.
uint32_t cap_of(uint32_t least, uint32_t most) {
  return most == kUnbounded ? least : most + 1;
}

bool has(const std::vector<ExprId>& list, ExprId id) {
  return std::ranges::find(list, id) != list.end();
}

}  // namespace

uint32_t Closure::key_index(std::string_view key) const {
  const auto place = std::ranges::lower_bound(keys, key);
  if (place == keys.end() || *place != key) return static_cast<uint32_t>(keys.size());
  return static_cast<uint32_t>(place - keys.begin());
}

Closure ClosureBuilder::build(const std::vector<NodeId>& roots) {
  Closure closure;
  add_nodes(roots, closure);
  add_keys(closure);
  add_limits(closure);
  return closure;
}

void ClosureBuilder::add_nodes(const std::vector<NodeId>& roots, Closure& closure) const {
  std::vector<std::pair<NodeId, bool>> todo;
  for (const NodeId root : roots) todo.emplace_back(root, false);
  while (!todo.empty()) {
    const auto [id, is_done] = todo.back();
    todo.pop_back();
    if (closure.slots.contains(id)) continue;
    if (is_done) {
      closure.slots.emplace(id, static_cast<uint32_t>(closure.nodes.size()));
      closure.nodes.push_back(id);
      continue;
    }
    todo.emplace_back(id, true);
    for_each_in_place(graph_.nodes[id], [&](NodeId child) {
      if (!closure.slots.contains(child)) todo.emplace_back(child, false);
    });
  }
  for (const NodeId root : roots) closure.root_slots.push_back(closure.slots.at(root));
}

void ClosureBuilder::add_keys(Closure& closure) const {
  std::set<std::string> keys;
  for (const NodeId id : closure.nodes) {
    const SchemaNode& node = graph_.nodes[id];
    for (const auto& [key, child] : node.when_present) keys.insert(key);
    if (!node.object) continue;
    for (const auto& [key, child] : node.object->properties) keys.insert(key);
    keys.insert(node.object->required.begin(), node.object->required.end());
    for (const auto& [key, names] : node.object->needs) {
      keys.insert(key);
      keys.insert(names.begin(), names.end());
    }
    for (const auto& [expr, child] : node.object->patterns) {
      if (!has(closure.key_exprs, expr)) closure.key_exprs.push_back(expr);
    }
    if (node.object->names == kNoNode) continue;
    const ExprId names = graph_.texts[node.object->names];
    if (!has(closure.key_exprs, names)) closure.key_exprs.push_back(names);
  }
  closure.keys.assign(keys.begin(), keys.end());
  closure.required.resize(closure.nodes.size());
  for (uint32_t slot = 0; slot < closure.nodes.size(); ++slot) {
    const SchemaNode& node = graph_.nodes[closure.nodes[slot]];
    if (!node.object) continue;
    for (const std::string& key : node.object->required) {
      closure.required[slot].push_back(closure.key_index(key));
    }
  }
  for (const std::string& key : closure.keys) closure.key_plans.push_back(plan_key(closure, key));
}

void ClosureBuilder::add_limits(Closure& closure) const {
  for (const NodeId id : closure.nodes) {
    const SchemaNode& node = graph_.nodes[id];
    closure.has_number_rules = closure.has_number_rules || node.number || node.integers_only;
    closure.tracks_number_text = closure.tracks_number_text || node.number;
    if (node.object) {
      closure.count_cap =
          std::max(closure.count_cap, cap_of(node.object->least, node.object->most));
      const uint32_t least = node.object->least > 1 ? node.object->least : 0;
      closure.hashed_members = std::max(closure.hashed_members, least);
    }
    if (!node.array) continue;
    const ArrayRules& rules = *node.array;
    closure.index_cap = std::max({closure.index_cap, cap_of(rules.least, rules.most),
                                  static_cast<uint32_t>(rules.prefix.size())});
    if (rules.contains == kNoNode) continue;
    closure.contained_cap =
        std::max({closure.contained_cap, 1u, cap_of(rules.least_contained, rules.most_contained)});
  }
  // Whether 2.0 is an integer matters where something else than "integer" could accept it.
  closure.tracks_number_text =
      closure.tracks_number_text || (closure.has_number_rules && closure.nodes.size() > 1);
}

MemberPlan ClosureBuilder::plan_key(const Closure& closure, const std::string& key) const {
  MemberPlan plan;
  for (uint32_t slot = 0; slot < closure.nodes.size(); ++slot) {
    const SchemaNode& node = graph_.nodes[closure.nodes[slot]];
    if (!node.object) continue;
    const ObjectRules& rules = *node.object;
    bool is_matched = false;
    const auto place =
        std::ranges::lower_bound(rules.properties, key, {}, &std::pair<std::string, NodeId>::first);
    if (place != rules.properties.end() && place->first == key) {
      plan.wants.push_back({slot, place->second});
      is_matched = true;
    }
    for (const auto& [expr, child] : rules.patterns) {
      if (!pool_.nullable(pool_.derive(expr, key))) continue;
      plan.wants.push_back({slot, child});
      is_matched = true;
    }
    if (!is_matched) plan.wants.push_back({slot, rules.additional});
    const bool is_named =
        rules.names == kNoNode || pool_.nullable(pool_.derive(graph_.texts[rules.names], key));
    if (!is_named) plan.fails.push_back(slot);
  }
  return plan;
}

MemberPlan ClosureBuilder::plan_other(const Closure& closure,
                                      const std::vector<ExprId>& exprs) const {
  const auto matches = [&](ExprId expr) {
    const auto at = std::ranges::find(closure.key_exprs, expr) - closure.key_exprs.begin();
    return pool_.nullable(exprs[static_cast<size_t>(at)]);
  };
  MemberPlan plan;
  for (uint32_t slot = 0; slot < closure.nodes.size(); ++slot) {
    const SchemaNode& node = graph_.nodes[closure.nodes[slot]];
    if (!node.object) continue;
    bool is_matched = false;
    for (const auto& [expr, child] : node.object->patterns) {
      if (!matches(expr)) continue;
      plan.wants.push_back({slot, child});
      is_matched = true;
    }
    if (!is_matched) plan.wants.push_back({slot, node.object->additional});
    const NodeId names = node.object->names;
    if (names != kNoNode && !matches(graph_.texts[names])) plan.fails.push_back(slot);
  }
  return plan;
}

}  // namespace chasqui::grammar
