// Frames to words and back, and the tables beside them.
#include <algorithm>

#include "grammar/grammar.h"
#include "grammar/internal/schema_machine.h"

namespace chasqui::grammar {
namespace {

size_t words_for(size_t bits) {
  return (bits + 31) / 32;
}

}  // namespace

SchemaMachine::SchemaMachine(std::shared_ptr<ExprPool> pool,
                             std::shared_ptr<const SchemaGraph> graph)
    : pool_(std::move(pool)),
      graph_(std::move(graph)),
      rule_bytes_(graph_->bytes_held()),
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
  return rule_bytes_ + pool_->bytes_held() + frames_.bytes_held() + children_.size() * 200 +
         number_texts_.size() * 100 + allowed_keys_.size() * 200;
}

uint32_t SchemaMachine::closure_of(const std::vector<NodeId>& roots) {
  const Interner::Found found = closure_ids_.put(roots);
  if (found.is_new) {
    closures_.push_back(builder_.build(roots));
    rule_bytes_ += closures_.back().bytes_held();
  }
  return found.id;
}

StateId SchemaMachine::put_words(const std::vector<uint32_t>& words) {
  return frames_.put(words).id;
}

void SchemaMachine::give_room(ObjectFrame& frame, StateId state) const {
  const Closure& rules = closure(frames_.get(state)[2]);
  frame.failed.resize(words_for(rules.nodes.size()));
  frame.seen.resize(words_for(rules.keys.size()));
}

void SchemaMachine::give_room(ArrayFrame& frame, StateId state) const {
  frame.failed.resize(words_for(closure(frames_.get(state)[2]).nodes.size()));
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
         end_number(frame_at<NumberFrame>(state)) == end_;
}

}  // namespace chasqui::grammar
