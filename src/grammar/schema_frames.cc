// Frames to words and back, and the tables beside them.
#include <algorithm>

#include "grammar/grammar.h"
#include "grammar/internal/schema_machine.h"

namespace chasqui::grammar {
namespace {

void append_place(std::vector<uint32_t>& words, const StringPlace& place) {
  const uint64_t packed = place.packed();
  words.push_back(static_cast<uint32_t>(packed));
  words.push_back(static_cast<uint32_t>(packed >> 32));
}

StringPlace place_at(std::span<const uint32_t> words, size_t at) {
  return StringPlace::unpack(words[at] | uint64_t{words[at + 1]} << 32);
}

size_t words_for(size_t bits) {
  return (bits + 31) / 32;
}

std::vector<uint32_t> part(std::span<const uint32_t> words, size_t from, size_t count) {
  const auto begin = words.begin() + static_cast<std::ptrdiff_t>(from);
  return {begin, begin + static_cast<std::ptrdiff_t>(count)};
}

}  // namespace

SchemaMachine::SchemaMachine(std::shared_ptr<ExprPool> pool,
                             std::shared_ptr<const SchemaGraph> graph)
    : pool_(std::move(pool)),
      graph_(std::move(graph)),
      outlook_(*graph_, *pool_),
      builder_(*graph_, *pool_) {
  put_words({kNone});
  end_ = put_words({kEnd});
  if (!outlook_.of_any(graph_->root).can_hold) return;
  Child root;
  root.roots = {graph_->root};
  root.closure = closure_of(root.roots);
  root.joint_text = graph_->texts[graph_->root];
  children_.push_back(std::move(root));
  child_ids_.put(std::vector<uint32_t>{kNone});
  // No white space before the value: clients read a stream as JSON from its first piece on.
  start_ = put(ValueFrame{kDead, 0, 1});
}

size_t SchemaMachine::bytes_held() const {
  return pool_->bytes_held() + frames_.bytes_held() + children_.size() * 200 +
         closures_.size() * 1000 + number_texts_.size() * 100 + allowed_keys_.size() * 200;
}

uint32_t SchemaMachine::closure_of(const std::vector<NodeId>& roots) {
  const Interner::Found found = closure_ids_.put(roots);
  if (found.is_new) closures_.push_back(builder_.build(roots));
  return found.id;
}

StateId SchemaMachine::put_words(const std::vector<uint32_t>& words) {
  return frames_.put(words).id;
}

StateId SchemaMachine::put(const ValueFrame& frame) {
  return put_words({kValue, frame.parent, frame.child, frame.space});
}

StateId SchemaMachine::put(const TextFrame& frame) {
  std::vector<uint32_t> words = {kText, frame.parent, frame.child};
  append_place(words, frame.place);
  words.insert(words.end(), frame.exprs.begin(), frame.exprs.end());
  return put_words(words);
}

SchemaMachine::TextFrame SchemaMachine::text_frame(StateId state) const {
  const auto words = frames_.get(state);
  return {words[1], words[2], place_at(words, 3), part(words, 5, words.size() - 5)};
}

StateId SchemaMachine::put(const NumberFrame& frame) {
  return put_words({kNumber, frame.parent, frame.child, frame.place, frame.text});
}

SchemaMachine::NumberFrame SchemaMachine::number_frame(StateId state) const {
  const auto words = frames_.get(state);
  return {words[1], words[2], words[3], words[4]};
}

StateId SchemaMachine::put(const ObjectFrame& frame) {
  std::vector<uint32_t> words = {kObject,     frame.parent, frame.child,
                                 frame.phase, frame.space,  frame.count};
  words.insert(words.end(), frame.failed.begin(), frame.failed.end());
  words.insert(words.end(), frame.seen.begin(), frame.seen.end());
  words.insert(words.end(), frame.hashes.begin(), frame.hashes.end());
  return put_words(words);
}

SchemaMachine::ObjectFrame SchemaMachine::object_frame(StateId state) const {
  const auto words = frames_.get(state);
  const Closure& rules = closure(words[2]);
  const size_t failed = words_for(rules.nodes.size());
  const size_t seen = words_for(rules.keys.size());
  return {words[1],
          words[2],
          words[3],
          words[4],
          words[5],
          part(words, 6, failed),
          part(words, 6 + failed, seen),
          part(words, 6 + failed + seen, words.size() - 6 - failed - seen)};
}

StateId SchemaMachine::put(const KeyFrame& frame) {
  std::vector<uint32_t> words = {kKey,       frame.object, frame.first,
                                 frame.last, frame.depth,  frame.hash};
  append_place(words, frame.place);
  words.insert(words.end(), frame.exprs.begin(), frame.exprs.end());
  return put_words(words);
}

SchemaMachine::KeyFrame SchemaMachine::key_frame(StateId state) const {
  const auto words = frames_.get(state);
  return {words[1],
          words[2],
          words[3],
          words[4],
          place_at(words, 6),
          words[5],
          part(words, 8, words.size() - 8)};
}

StateId SchemaMachine::put(const ArrayFrame& frame) {
  std::vector<uint32_t> words = {kArray,      frame.parent, frame.child,
                                 frame.phase, frame.space,  frame.index};
  words.insert(words.end(), frame.failed.begin(), frame.failed.end());
  words.insert(words.end(), frame.contained.begin(), frame.contained.end());
  return put_words(words);
}

SchemaMachine::ArrayFrame SchemaMachine::array_frame(StateId state) const {
  const auto words = frames_.get(state);
  const size_t failed = words_for(closure(words[2]).nodes.size());
  return {words[1],
          words[2],
          words[3],
          words[4],
          words[5],
          part(words, 6, failed),
          part(words, 6 + failed, words.size() - 6 - failed)};
}

// Containers around the frame.
size_t SchemaMachine::depth_of(StateId state) const {
  size_t depth = 0;
  while (state != kDead) {
    state = frames_.get(state)[1];
    ++depth;
  }
  return depth;
}

// 0: none yet. 1: one blank, nothing more may follow. From 2: a line end and so many less 2 blanks.
bool SchemaMachine::read_space(uint32_t& space, uint8_t byte) {
  constexpr uint32_t kMostIndentation = 2 + 64;
  if (space == 0 && byte == ' ') {
    space = 1;
    return true;
  }
  if (space == 0 && byte == '\n') {
    space = 2;
    return true;
  }
  if (space >= 2 && space < kMostIndentation && (byte == ' ' || byte == '\t')) {
    ++space;
    return true;
  }
  return false;
}

StateId SchemaMachine::step(StateId state, uint8_t byte) {
  switch (kind_of(state)) {
    case kValue:
      return step_value(state, byte);
    case kText:
      return step_text(state, byte);
    case kNumber:
      return step_number(state, byte);
    case kLiteral:
      return step_literal(state, byte);
    case kObject:
      return step_object(state, byte);
    case kKey:
      return step_key(state, byte);
    case kColon:
      return step_colon(state, byte);
    case kArray:
      return step_array(state, byte);
    case kNone:
    case kEnd:
      return kDead;
  }
  return kDead;
}

bool SchemaMachine::accepting(StateId state) {
  if (state == end_) return true;
  return kind_of(state) == kNumber && frames_.get(state)[1] == kDead &&
         end_number(number_frame(state)) == end_;
}

Machine::Shortcut SchemaMachine::shortcut(StateId state) {
  Shortcut shortcut;
  if (kind_of(state) == kText) {
    const TextFrame frame = text_frame(state);
    if (!frame.place.is_plain()) return {};
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
  } else if (kind_of(state) == kKey) {
    const KeyFrame frame = key_frame(state);
    if (!frame.exprs.empty() || !frame.place.is_plain()) return {};
    if (!allowed_keys(frame.object).other) return {};
    shortcut.in_any_string = true;
    // Where keys are told apart by hash, too, the text before the quote matters.
    shortcut.quote_varies = frame.first != frame.last || frame.hash != 0;
    if (!shortcut.quote_varies) shortcut.after_quote = step(state, '"');
  }
  return shortcut;
}

}  // namespace chasqui::grammar
