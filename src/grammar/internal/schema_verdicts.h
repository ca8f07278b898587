// What is known of a schema's verdict on a value that is still being written, and how the verdicts
// of schemas that apply to one value combine.
#pragma once

#include <array>
#include <unordered_map>
#include <vector>

#include "grammar/internal/schema.h"

namespace chasqui::grammar {

// Whether the finished value may be accepted, and whether it may be refused. Both are false where
// drafts differ on the value (1.0 as an integer): such a value is not written.
struct Verdict {
  bool can_hold = true;
  bool can_fail = true;

  static Verdict of(bool holds) { return {holds, !holds}; }
  bool operator==(const Verdict&) const = default;
};

inline Verdict both(Verdict a, Verdict b) {
  return {a.can_hold && b.can_hold, a.can_fail || b.can_fail};
}
inline Verdict either(Verdict a, Verdict b) {
  return {a.can_hold || b.can_hold, a.can_fail && b.can_fail};
}
inline Verdict inverse(Verdict a) {
  return {a.can_fail, a.can_hold};
}

// The verdict of a node from its own keywords' (`own`) and those of the nodes in place.
// `of(NodeId)`: theirs; `present(key)`: what is known of the key being in the object.
template <typename Of, typename Present>
Verdict combine(const SchemaNode& node, Verdict own, const Of& of, const Present& present) {
  for (const NodeId id : node.all_of) own = both(own, of(id));
  for (const auto& group : node.any_of) {
    Verdict any = {false, true};
    for (const NodeId id : group) any = either(any, of(id));
    own = both(own, any);
  }
  for (const auto& group : node.one_of) {
    int must_hold = 0;  // how many cannot fail
    int may_hold = 0;
    bool all_fail = true;
    bool is_clear = true;
    for (const NodeId id : group) {
      const Verdict verdict = of(id);
      if (!verdict.can_hold && !verdict.can_fail) is_clear = false;
      must_hold += !verdict.can_fail;
      may_hold += verdict.can_hold;
      all_fail = all_fail && verdict.can_fail;
    }
    const Verdict one = {may_hold > 0 && must_hold <= 1 && is_clear,
                         (all_fail || may_hold > 1) && is_clear};
    own = both(own, one);
  }
  if (node.negated != kNoNode) own = both(own, inverse(of(node.negated)));
  if (node.condition != kNoNode) {
    const Verdict condition = of(node.condition);
    const Verdict chosen =
        either(both(condition, of(node.then_node)), both(inverse(condition), of(node.else_node)));
    own = both(own, chosen);
  }
  for (const auto& [key, id] : node.when_present) {
    own = both(own, either(inverse(present(key)), of(id)));
  }
  return own;
}

// Verdicts on values of which nothing is written yet.
class SchemaOutlook {
 public:
  SchemaOutlook(const SchemaGraph& graph, ExprPool& pool);

  // On values of the kind with the bit 1 << kind.
  Verdict of_kind(NodeId node, int kind) const { return by_kind_[node][static_cast<size_t>(kind)]; }
  Verdict of_any(NodeId node) const { return any_[node]; }

 private:
  Verdict own(NodeId id, int kind) const;
  bool update(NodeId id);

  const SchemaGraph& graph_;
  ExprPool& pool_;
  std::vector<std::array<Verdict, kValueKinds>> by_kind_;
  std::vector<Verdict> any_;
};

}  // namespace chasqui::grammar
