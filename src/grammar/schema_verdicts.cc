#include "grammar/internal/schema_verdicts.h"

#include <algorithm>

namespace chasqui::grammar {
namespace {

// Rounds over the graph; what is not found impossible by then counts as possible.
constexpr int kRounds = 20;

}  // namespace

SchemaOutlook::SchemaOutlook(const SchemaGraph& graph, ExprPool& pool)
    : graph_(graph), pool_(pool), by_kind_(graph.nodes.size()), any_(graph.nodes.size()) {
  bool changes = true;
  for (int round = 0; changes && round < kRounds; ++round) {
    changes = false;
    for (const NodeId id : graph_.order) changes = update(id) || changes;
  }
}

bool SchemaOutlook::update(NodeId id) {
  const SchemaNode& node = graph_.nodes[id];
  const auto not_known = [](const std::string&) { return Verdict{}; };
  const auto absent = [](const std::string&) { return Verdict::of(false); };
  Verdict any = {false, false};
  for (int kind = 0; kind < kValueKinds; ++kind) {
    const auto of = [&](NodeId child) { return of_kind(child, kind); };
    const Verdict mine = own(id, kind);
    Verdict verdict = 1 << kind == kObjectBit ? combine(node, mine, of, not_known)
                                              : combine(node, mine, of, absent);
    if (1 << kind == kStringBit) {
      verdict = {graph_.texts[id] != kNever, graph_.texts[id] != pool_.any_text()};
    }
    by_kind_[id][static_cast<size_t>(kind)] = verdict;
    any = {any.can_hold || verdict.can_hold, any.can_fail || verdict.can_fail};
  }
  const bool changes = any != any_[id];
  any_[id] = any;
  return changes;
}

Verdict SchemaOutlook::own(NodeId id, int kind) const {
  const SchemaNode& node = graph_.nodes[id];
  const auto bit = static_cast<uint8_t>(1 << kind);
  if ((node.kinds & bit) == 0) return Verdict::of(false);
  switch (bit) {
    case kNumberBit:
      if (!node.number && !node.integers_only) return Verdict::of(true);
      if (!node.number) return {};
      return {node.number->may_become("") || node.number->may_become("-"), true};
    case kArrayBit: {
      if (!node.array) return Verdict::of(true);
      const ArrayRules& rules = *node.array;
      bool can_hold = rules.least <= rules.most;
      for (uint32_t i = 0; i < rules.least && i <= rules.prefix.size(); ++i) {
        const NodeId item = i < rules.prefix.size() ? rules.prefix[i] : rules.rest;
        can_hold = can_hold && any_[item].can_hold;
      }
      const bool wants = rules.contains != kNoNode && rules.least_contained > 0;
      if (wants && !any_[rules.contains].can_hold) can_hold = false;
      return {can_hold, true};
    }
    case kObjectBit: {
      if (!node.object) return Verdict::of(true);
      const ObjectRules& rules = *node.object;
      bool can_hold = rules.required.size() <= rules.most && rules.least <= rules.most;
      for (const std::string& name : rules.required) {
        const auto place = std::ranges::lower_bound(rules.properties, name, {},
                                                    &std::pair<std::string, NodeId>::first);
        const bool is_named = place != rules.properties.end() && place->first == name;
        if (is_named) can_hold = can_hold && any_[place->second].can_hold;
        const bool is_free = is_named || !rules.patterns.empty();
        if (!is_free) can_hold = can_hold && any_[rules.additional].can_hold;
      }
      return {can_hold, true};
    }
    default:
      return Verdict::of(true);
  }
}

}  // namespace chasqui::grammar
