// What is known of states of strings and keys without trying every byte and every token.
#include <algorithm>

#include "grammar/internal/schema_machine.h"

namespace chasqui::grammar {
namespace {

// Bytes that read_string_byte() treats alike between two characters; text apart from quote and
// backslash is one class.
BytePartitions::Id plain_partition(BytePartitions& partitions) {
  constexpr std::pair<uint8_t, uint8_t> kRanges[] = {
      {0x20, 0x7F}, {'"', '"'},   {'\\', '\\'}, {0xC2, 0xDF}, {0xE0, 0xE0},
      {0xE1, 0xEF}, {0xED, 0xED}, {0xF0, 0xF0}, {0xF1, 0xF3}, {0xF4, 0xF4},
  };
  BytePartitions::Id all = BytePartitions::kWhole;
  for (const auto& [first, last] : kRanges) {
    ByteSet set;
    set.add_range(first, last);
    all = partitions.refine(all, partitions.of_set(set));
  }
  return all;
}

}  // namespace

Machine::Shortcut SchemaMachine::shortcut(StateId state) {
  switch (kind_of(state)) {
    case kText:
      return text_shortcut(state);
    case kKey:
      return key_shortcut(state);
    default:
      return {};
  }
}

Machine::Shortcut SchemaMachine::text_shortcut(StateId state) {
  const auto frame = frame_at<TextFrame>(state);
  if (!frame.place.is_plain()) return {};
  Shortcut shortcut;
  const bool is_any =
      std::ranges::all_of(frame.exprs, [this](ExprId expr) { return expr == pool_->any_text(); });
  if (is_any) {
    shortcut.in_any_string = true;
    shortcut.after_quote = close_text(frame);
  } else if (frame.exprs.size() == 1) {
    const ExprPool::PlainReach reach = pool_->plain_reach(frame.exprs[0]);
    shortcut.plain_chars = reach.chars;
    shortcut.exactly = reach.exactly && children_[frame.child].all_must_hold;
  }
  return shortcut;
}

Machine::Shortcut SchemaMachine::key_shortcut(StateId state) {
  const auto frame = frame_at<KeyFrame>(state);
  if (!frame.place.is_plain() || !allowed_keys(frame.object).other) return {};
  if (!frame.exprs.empty() && !any_key_may_go_on(frame)) return {};
  Shortcut shortcut;
  shortcut.in_any_string = true;
  // Where keys are told apart by hash or by patterns, too, the text before the quote matters.
  shortcut.quote_varies = frame.first != frame.last || frame.hash != 0 || !frame.exprs.empty();
  if (!shortcut.quote_varies) shortcut.after_quote = step(state, '"');
  return shortcut;
}

// Whether every text may be the beginning of some other key: patterns are taken to match no more,
// and names to be refused unless they can always become others.
bool SchemaMachine::any_key_may_go_on(const KeyFrame& frame) {
  const auto object = frame_at<ObjectFrame>(frame.object);
  std::vector<ExprId> worst = frame.exprs;
  for (ExprId& expr : worst) {
    if (!pool_->can_match_whatever_comes(expr)) expr = kNever;
  }
  return other_key_may_hold(object, closure(object.child), worst);
}

const ByteClasses* SchemaMachine::byte_classes(StateId state) {
  BytePartitions& partitions = pool_->partitions();
  BytePartitions::Id told_apart = BytePartitions::kWhole;
  const auto tell_apart = [&](const std::vector<ExprId>& exprs) {
    for (const ExprId expr : exprs) {
      told_apart = partitions.refine(told_apart, pool_->byte_classes(expr));
    }
  };
  if (kind_of(state) == kText) {
    const auto frame = frame_at<TextFrame>(state);
    tell_apart(frame.exprs);
    return text_classes(frame.place, told_apart);
  }
  if (kind_of(state) != kKey) return nullptr;
  const auto frame = frame_at<KeyFrame>(state);
  if (frame.hash != 0) return nullptr;
  const Closure& rules = closure(frames_.get(frame.object)[2]);
  tell_apart(frame.exprs);
  const BytePartitions::Id by_keys =
      partitions.of_words(rules.keys, {frame.first, frame.last}, frame.depth);
  return text_classes(frame.place, partitions.refine(told_apart, by_keys));
}

// `told_apart`: by what the characters mean to those who read them.
const ByteClasses* SchemaMachine::text_classes(const StringPlace& place,
                                               BytePartitions::Id told_apart) {
  BytePartitions& partitions = pool_->partitions();
  if (place.is_plain()) {
    if (plain_partition_ == BytePartitions::kWhole) plain_partition_ = plain_partition(partitions);
    return &partitions.classes(partitions.refine(told_apart, plain_partition_));
  }
  if (place.mode != StringPlace::Mode::kUtf8) return nullptr;
  ByteSet tails;
  tails.add_range(place.low, place.high);
  return &partitions.classes(partitions.refine(told_apart, partitions.of_set(tails)));
}

}  // namespace chasqui::grammar
