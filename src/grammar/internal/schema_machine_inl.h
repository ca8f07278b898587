// Templates of SchemaMachine, for its own files.
#pragma once

#include <algorithm>

#include "grammar/internal/schema_machine.h"

namespace chasqui::grammar {

inline bool has_bit(const std::vector<uint32_t>& bits, uint32_t at) {
  return at / 32 < bits.size() && ((bits[at / 32] >> (at % 32)) & 1) != 0;
}

inline void set_bit(std::vector<uint32_t>& bits, uint32_t at) {
  bits[at / 32] |= 1u << (at % 32);
}

// The verdicts of the closure's roots. `own(slot)`: what a node's own keywords say.
template <typename Own>
SchemaMachine::Verdicts SchemaMachine::evaluate(const Closure& closure, const Own& own,
                                                const ObjectFrame* object, bool is_final) {
  Verdicts by_slot(closure.nodes.size());
  const auto of = [&](NodeId node) { return by_slot[closure.slots.at(node)]; };
  const auto present = [&](const std::string& key) {
    if (object == nullptr) return Verdict::of(false);
    const bool is_seen = has_bit(object->seen, closure.key_index(key));
    return is_seen || is_final ? Verdict::of(is_seen) : Verdict{};
  };
  for (uint32_t slot = 0; slot < by_slot.size(); ++slot) {
    by_slot[slot] = combine(graph_->nodes[closure.nodes[slot]], own(slot), of, present);
  }
  Verdicts roots;
  for (const uint32_t slot : closure.root_slots) roots.push_back(by_slot[slot]);
  return roots;
}

// Collects what the wants ask for into one child. Slots that no value can please fail at once.
// False when the document cannot hold any more.
template <typename Frame>
bool SchemaMachine::make_child(Frame& container, const std::vector<Want>& wants, uint32_t& child) {
  Child made;
  for (const Want& want : wants) {
    const Verdict outlook = outlook_.of_any(want.node);
    if (!want.counts && !outlook.can_hold) {
      set_bit(container.failed, want.slot);
      continue;
    }
    if (!want.counts && !outlook.can_fail) continue;
    auto place = std::ranges::find(made.roots, want.node);
    if (place == made.roots.end()) place = made.roots.insert(place, want.node);
    const auto root = static_cast<uint32_t>(place - made.roots.begin());
    made.dependents.push_back({want.slot, root, want.counts});
  }
  if (made.roots.empty()) made.roots = {kAnyValue};
  Verdicts all(made.roots.size(), Verdict::of(true));
  if (!frame_may_hold(container, made.dependents, all)) return false;
  for (size_t i = 0; i < all.size(); ++i) {
    all[i] = Verdict::of(false);
    if (frame_may_hold(container, made.dependents, all)) made.all_must_hold = false;
    all[i] = Verdict::of(true);
  }
  const bool is_free = made.dependents.empty();
  if (is_free) made.all_must_hold = true;
  std::vector<uint32_t> key = {made.all_must_hold ? 1u : 0u};
  key.insert(key.end(), made.roots.begin(), made.roots.end());
  for (const auto& dependent : made.dependents) {
    key.insert(key.end(), {0xFFFFFFFE, dependent.slot, dependent.root, dependent.counts ? 1u : 0u});
  }
  const Interner::Found found = child_ids_.put(key);
  child = found.id;
  if (!found.is_new) return true;
  made.closure = closure_of(made.roots);
  if (made.all_must_hold) {
    std::vector<ExprId> texts;
    for (const NodeId root : made.roots) texts.push_back(graph_->texts[root]);
    made.joint_text = pool_->all_of(std::move(texts));
  }
  children_.push_back(std::move(made));
  return true;
}

}  // namespace chasqui::grammar
