// Whether the document may still be accepted: verdicts of members become verdicts of containers,
// up to the root.
#include "base/check.h"
#include "grammar/internal/schema_machine.h"
#include "grammar/internal/schema_machine_inl.h"

namespace chasqui::grammar {

// Of the value's own rules at `slot`, for an object that has what `frame` has seen.
Verdict SchemaMachine::object_own(const ObjectFrame& frame, const Closure& closure, uint32_t slot,
                                  bool is_final) {
  const SchemaNode& node = graph_->nodes[closure.nodes[slot]];
  if ((node.kinds & kObjectBit) == 0 || has_bit(frame.failed, slot)) return Verdict::of(false);
  if (!node.object) return Verdict::of(true);
  const ObjectRules& rules = *node.object;
  uint32_t missing = 0;
  for (const uint32_t key : closure.required[slot]) missing += !has_bit(frame.seen, key);
  const bool is_full = uint64_t{frame.count} + missing > rules.most;
  if (!is_final) return {!is_full, true};
  bool holds = missing == 0 && frame.count >= rules.least && !is_full;
  for (const auto& [key, names] : rules.needs) {
    if (!has_bit(frame.seen, closure.key_index(key))) continue;
    for (const std::string& name : names) {
      holds = holds && has_bit(frame.seen, closure.key_index(name));
    }
  }
  return Verdict::of(holds);
}

Verdict SchemaMachine::array_own(const ArrayFrame& frame, const Closure& closure, uint32_t slot,
                                 bool is_final, uint32_t pending) {
  const SchemaNode& node = graph_->nodes[closure.nodes[slot]];
  if ((node.kinds & kArrayBit) == 0 || has_bit(frame.failed, slot)) return Verdict::of(false);
  if (!node.array) return Verdict::of(true);
  const ArrayRules& rules = *node.array;
  const bool counts = rules.contains != kNoNode;
  const uint32_t contained = counts ? frame.contained[slot] : 0;
  const bool too_many = frame.index > rules.most || (counts && contained > rules.most_contained);
  const uint32_t lacking =
      counts && contained < rules.least_contained ? rules.least_contained - contained : 0;
  const bool no_room =
      uint64_t{frame.index} + lacking > uint64_t{rules.most} + pending && lacking > pending;
  if (!is_final) return {!too_many && !no_room, true};
  return Verdict::of(!too_many && lacking == 0 && frame.index >= rules.least);
}

bool SchemaMachine::may_hold(StateId parent, uint32_t child, const Verdicts& roots) {
  const Child& what = children_[child];
  if (parent == kDead) return roots[0].can_hold;
  if (what.all_must_hold) {
    for (const Verdict& verdict : roots) {
      if (!verdict.can_hold) return false;
    }
    return true;
  }
  const std::vector<Child::Dependent> dependents = what.dependents;
  return container_may_hold(parent, dependents, roots);
}

bool SchemaMachine::container_may_hold(StateId container,
                                       const std::vector<Child::Dependent>& dependents,
                                       const Verdicts& roots) {
  if (kind_of(container) == kObject) {
    return object_may_hold(frame_at<ObjectFrame>(container), dependents, roots);
  }
  CHASQUI_CHECK(kind_of(container) == kArray, "members are in objects and lists only");
  return array_may_hold(frame_at<ArrayFrame>(container), dependents, roots);
}

bool SchemaMachine::object_may_hold(const ObjectFrame& frame,
                                    const std::vector<Child::Dependent>& dependents,
                                    const Verdicts& roots) {
  const Closure& rules = closure(frame.child);
  const auto own = [&](uint32_t slot) {
    Verdict verdict = object_own(frame, rules, slot, false);
    for (const Child::Dependent& dependent : dependents) {
      if (dependent.slot == slot && !roots[dependent.root].can_hold) verdict.can_hold = false;
    }
    return verdict;
  };
  return may_hold(frame.parent, frame.child, evaluate(rules, own, &frame, false));
}

bool SchemaMachine::array_may_hold(const ArrayFrame& frame,
                                   const std::vector<Child::Dependent>& dependents,
                                   const Verdicts& roots) {
  const Closure& rules = closure(frame.child);
  const auto own = [&](uint32_t slot) {
    uint32_t pending = 0;
    bool fails = false;
    for (const Child::Dependent& dependent : dependents) {
      if (dependent.slot != slot) continue;
      const bool can_hold = roots[dependent.root].can_hold;
      if (dependent.counts && can_hold) pending = 1;
      if (!dependent.counts && !can_hold) fails = true;
    }
    Verdict verdict = array_own(frame, rules, slot, false, pending);
    if (fails) verdict.can_hold = false;
    return verdict;
  };
  return may_hold(frame.parent, frame.child, evaluate(rules, own, nullptr, false));
}

// A value is complete, with definite verdicts: back to the container, or to the end.
StateId SchemaMachine::finish(StateId parent, uint32_t child, const Verdicts& roots) {
  for (const Verdict& verdict : roots) {
    if (!verdict.can_hold && !verdict.can_fail) return kDead;
  }
  if (parent == kDead) return roots[0].can_hold ? end_ : kDead;
  const Child what = children_[child];
  if (kind_of(parent) == kObject) {
    ObjectFrame frame = frame_at<ObjectFrame>(parent);
    for (const Child::Dependent& dependent : what.dependents) {
      if (!roots[dependent.root].can_hold) set_bit(frame.failed, dependent.slot);
    }
    frame.phase = kBehindMember;
    frame.space = 0;
    if (!object_may_hold(frame, {}, {})) return kDead;
    return put(frame);
  }
  ArrayFrame frame = frame_at<ArrayFrame>(parent);
  for (const Child::Dependent& dependent : what.dependents) {
    const bool holds = roots[dependent.root].can_hold;
    if (!dependent.counts && !holds) set_bit(frame.failed, dependent.slot);
    if (!dependent.counts || !holds) continue;
    uint32_t& contained = frame.contained[dependent.slot];
    if (contained < closure(frame.child).contained_cap) ++contained;
  }
  frame.phase = kBehindMember;
  frame.space = 0;
  if (!array_may_hold(frame, {}, {})) return kDead;
  return put(frame);
}

}  // namespace chasqui::grammar
