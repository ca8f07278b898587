// Objects, their keys, and lists.
#include <tuple>

#include "grammar/grammar.h"
#include "grammar/internal/schema_machine.h"
#include "grammar/internal/schema_machine_inl.h"
#include "grammar/internal/words.h"

namespace chasqui::grammar {
namespace {

constexpr uint32_t kHashStart = 2166136261u;

uint32_t add_hash(uint32_t hash, std::string_view text) {  // FNV-1a
  for (const char byte : text) hash = (hash ^ static_cast<uint8_t>(byte)) * 16777619u;
  return hash | 1;
}

}  // namespace

StateId SchemaMachine::begin_object(const ValueFrame& frame) {
  if (!kind_may_hold(frame, kObjectBit)) return kDead;
  if (depth_of(frame.parent) >= CompileLimits::kDepth) return kDead;
  const Closure& rules = closure(frame.child);
  ObjectFrame object = {frame.parent, frame.child, kOpened, 0, 0, {}, {}, {}};
  object.failed.resize((rules.nodes.size() + 31) / 32);
  object.seen.resize((rules.keys.size() + 31) / 32);
  return put(object);
}

StateId SchemaMachine::step_object(StateId state, uint8_t byte) {
  ObjectFrame frame = frame_at<ObjectFrame>(state);
  if (read_space(frame.space, byte)) return put(frame);
  if (byte == '}' && frame.phase != kBehindComma) return close_object(frame);
  frame.space = 0;
  if (byte == '"' && frame.phase != kBehindMember) return begin_key(put(frame));
  if (byte != ',' || frame.phase != kBehindMember) return kDead;
  frame.phase = kBehindComma;
  const StateId next = put(frame);
  return begin_key(next) == kDead ? kDead : next;
}

StateId SchemaMachine::close_object(const ObjectFrame& frame) {
  const Closure& rules = closure(frame.child);
  const auto own = [&](uint32_t slot) { return object_own(frame, rules, slot, true); };
  return finish(frame.parent, frame.child, evaluate(rules, own, &frame, true));
}

StateId SchemaMachine::begin_key(StateId object) {
  const ObjectFrame container = frame_at<ObjectFrame>(object);
  const Closure& rules = closure(container.child);
  KeyFrame frame;
  frame.object = object;
  frame.last = static_cast<uint32_t>(rules.keys.size());
  frame.hash = container.count < rules.hashed_members ? kHashStart : 0;
  frame.exprs = rules.key_exprs;
  return key_may_hold(frame) ? put(frame) : kDead;
}

StateId SchemaMachine::step_key(StateId state, uint8_t byte) {
  KeyFrame frame = frame_at<KeyFrame>(state);
  std::string text;
  const StringEvent event = read_string_byte(frame.place, byte, text);
  if (event == StringEvent::kError) return kDead;
  if (event == StringEvent::kClosed) return close_key(frame);
  if (event == StringEvent::kNone) {
    // Escapes in keys: where some other key may come anyway.
    const bool may_go_on =
        allowed_keys(frame.object).other && (frame.exprs.empty() || any_key_may_go_on(frame));
    return may_go_on ? put(frame) : kDead;
  }
  const Closure& rules = closure(frames_.get(frame.object)[2]);
  for (const char c : text) {
    std::tie(frame.first, frame.last) =
        words_going_on(rules.keys, {frame.first, frame.last}, frame.depth, static_cast<uint8_t>(c));
    ++frame.depth;
  }
  if (frame.first == frame.last) frame.first = frame.last = frame.depth = 0;
  if (frame.hash != 0) frame.hash = add_hash(frame.hash, text);
  for (ExprId& expr : frame.exprs) expr = pool_->derive(expr, text);
  return key_may_hold(frame) ? put(frame) : kDead;
}

bool SchemaMachine::key_may_hold(const KeyFrame& frame) {
  const AllowedKeys& allowed = allowed_keys(frame.object);
  if (allowed.named_before[frame.last] > allowed.named_before[frame.first]) return true;
  if (!allowed.other || frame.exprs.empty()) return allowed.other;
  const ObjectFrame object = frame_at<ObjectFrame>(frame.object);
  return other_key_may_hold(object, closure(object.child), frame.exprs);
}

// Whether a key that nobody names may come, when the patterns have come to `exprs`: each schema
// taken at its best.
bool SchemaMachine::other_key_may_hold(const ObjectFrame& object, const Closure& rules,
                                       const std::vector<ExprId>& exprs) {
  const auto expr_now = [&](ExprId expr) {
    const auto at = std::ranges::find(rules.key_exprs, expr) - rules.key_exprs.begin();
    return exprs[static_cast<size_t>(at)];
  };
  MemberPlan plan;
  for (uint32_t slot = 0; slot < rules.nodes.size(); ++slot) {
    const SchemaNode& node = graph_->nodes[rules.nodes[slot]];
    if (!node.object) continue;
    bool may_please = outlook_.of_any(node.object->additional).can_hold;
    for (const auto& [expr, child] : node.object->patterns) {
      const bool may_match = pool_->can_match(expr_now(expr));
      may_please = may_please || (may_match && outlook_.of_any(child).can_hold);
    }
    const NodeId names = node.object->names;
    if (names != kNoNode && !pool_->can_match(expr_now(graph_->texts[names]))) may_please = false;
    if (!may_please) plan.fails.push_back(slot);
  }
  return member_may_hold(object, plan, static_cast<uint32_t>(rules.keys.size()));
}

bool SchemaMachine::member_may_hold(const ObjectFrame& object, const MemberPlan& plan,
                                    uint32_t key) {
  ObjectFrame next = object;
  count_member(next, closure(object.child), key);
  for (const uint32_t slot : plan.fails) set_bit(next.failed, slot);
  for (const Want& want : plan.wants) {
    if (!outlook_.of_any(want.node).can_hold) set_bit(next.failed, want.slot);
  }
  return object_may_hold(next, {}, {});
}

void SchemaMachine::count_member(ObjectFrame& object, const Closure& rules, uint32_t key) const {
  if (object.count < rules.count_cap) ++object.count;
  if (key < rules.keys.size()) set_bit(object.seen, key);
}

const SchemaMachine::AllowedKeys& SchemaMachine::allowed_keys(StateId object) {
  if (const auto place = allowed_keys_.find(object); place != allowed_keys_.end()) {
    return place->second;
  }
  const ObjectFrame frame = frame_at<ObjectFrame>(object);
  const Closure& rules = closure(frame.child);
  AllowedKeys allowed;
  allowed.named_before.push_back(0);
  for (uint32_t key = 0; key < rules.keys.size(); ++key) {
    const bool may = !has_bit(frame.seen, key) && member_may_hold(frame, rules.key_plans[key], key);
    allowed.named.push_back(may);
    allowed.named_before.push_back(allowed.named_before.back() + (may ? 1 : 0));
  }
  allowed.other = other_key_may_hold(frame, rules, rules.key_exprs);
  return allowed_keys_.emplace(object, std::move(allowed)).first->second;
}

StateId SchemaMachine::close_key(const KeyFrame& frame) {
  ObjectFrame object = frame_at<ObjectFrame>(frame.object);
  const uint32_t closure_id = children_[object.child].closure;
  const Closure& rules = closures_[closure_id];
  const bool is_named = frame.first < frame.last && rules.keys[frame.first].size() == frame.depth;
  const uint32_t key = is_named ? frame.first : static_cast<uint32_t>(rules.keys.size());
  if (is_named && !allowed_keys(frame.object).named[key]) return kDead;
  if (!is_named && frame.hash != 0) {
    const auto place = std::ranges::lower_bound(object.hashes, frame.hash);
    if (place != object.hashes.end() && *place == frame.hash) return kDead;
    object.hashes.insert(place, frame.hash);
  }
  const MemberPlan plan = is_named ? rules.key_plans[key] : builder_.plan_other(rules, frame.exprs);
  count_member(object, rules, key);
  if (object.count >= rules.hashed_members) object.hashes.clear();
  for (const uint32_t slot : plan.fails) set_bit(object.failed, slot);
  object.phase = kHolding;
  uint32_t child = 0;
  if (!make_child(object, plan.wants, child)) return kDead;
  const StateId container = put(object);
  return put_words({kColon, container, child, 0});
}

StateId SchemaMachine::step_colon(StateId state, uint8_t byte) {
  const auto words = frames_.get(state);
  const ValueFrame value = {words[1], words[2], 0};
  if (byte == ':') return put(value);
  if (byte == ' ' && words[3] == 0) return put_words({kColon, value.parent, value.child, 1});
  return kDead;
}

StateId SchemaMachine::begin_array(const ValueFrame& frame) {
  if (!kind_may_hold(frame, kArrayBit)) return kDead;
  if (depth_of(frame.parent) >= CompileLimits::kDepth) return kDead;
  const Closure& rules = closure(frame.child);
  ArrayFrame array = {frame.parent, frame.child, kOpened, 0, 0, {}, {}};
  array.failed.resize((rules.nodes.size() + 31) / 32);
  if (rules.contained_cap > 0) array.contained.resize(rules.nodes.size());
  return put(array);
}

StateId SchemaMachine::step_array(StateId state, uint8_t byte) {
  ArrayFrame frame = frame_at<ArrayFrame>(state);
  if (read_space(frame.space, byte)) return put(frame);
  if (byte == ']') return close_array(frame);
  const uint32_t space = frame.space;
  frame.space = 0;
  if (frame.phase == kBehindMember) return byte == ',' ? begin_item(frame) : kDead;
  const StateId item = begin_item(frame);
  if (item == kDead) return kDead;
  // White space was read before it was clear that an item follows.
  const bool is_space = byte == ' ' || byte == '\n' || byte == '\t';
  if (space > 0 && is_space) return kDead;
  return step(item, byte);
}

StateId SchemaMachine::begin_item(const ArrayFrame& frame) {
  ArrayFrame array = frame;
  const Closure& rules = closure(array.child);
  std::vector<Want> wants;
  for (uint32_t slot = 0; slot < rules.nodes.size(); ++slot) {
    const SchemaNode& node = graph_->nodes[rules.nodes[slot]];
    if (!node.array) continue;
    const std::vector<NodeId>& prefix = node.array->prefix;
    wants.push_back({slot, array.index < prefix.size() ? prefix[array.index] : node.array->rest});
    if (node.array->contains != kNoNode) wants.push_back({slot, node.array->contains, true});
  }
  if (array.index < rules.index_cap) ++array.index;
  array.phase = kHolding;
  uint32_t child = 0;
  if (!make_child(array, wants, child)) return kDead;
  const StateId container = put(array);
  return put(ValueFrame{container, child, 0});
}

StateId SchemaMachine::close_array(const ArrayFrame& frame) {
  const Closure& rules = closure(frame.child);
  const auto own = [&](uint32_t slot) { return array_own(frame, rules, slot, true, 0); };
  return finish(frame.parent, frame.child, evaluate(rules, own, nullptr, true));
}

}  // namespace chasqui::grammar
