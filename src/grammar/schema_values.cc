// Scalars: literals, strings and numbers.
#include <array>
#include <bit>

#include "grammar/grammar.h"
#include "grammar/internal/schema_machine.h"
#include "grammar/internal/schema_machine_inl.h"
#include "grammar/internal/utf8_ranges.h"

namespace chasqui::grammar {
namespace {

constexpr std::array<std::string_view, 3> kLiterals = {"null", "true", "false"};  // by value bit

// Begins what is remembered instead of a number's text, and the verdicts behind it, by slot.
constexpr char kSettled = '#';
constexpr char kTaken = 't';
constexpr char kRefused = 'f';

// Where in a number's text (RFC 8259, section 6) a reader is.
enum NumberPlace : uint32_t {
  kNowhere,
  kMinus,
  kZero,
  kDigits,
  kPoint,
  kFraction,
  kExponent,
  kExponentSign,
  kExponentDigits
};

bool may_end(uint32_t place) {
  return place == kZero || place == kDigits || place == kFraction || place == kExponentDigits;
}

uint32_t next_place(uint32_t place, uint8_t byte) {
  const bool is_digit = byte >= '0' && byte <= '9';
  switch (place) {
    case kNowhere:
      if (byte == '-') return kMinus;
      [[fallthrough]];
    case kMinus:
      return byte == '0' ? kZero : is_digit ? kDigits : kNowhere;
    case kZero:
    case kDigits:
      if (is_digit) return place == kDigits ? kDigits : kNowhere;
      return byte == '.' ? kPoint : byte == 'e' || byte == 'E' ? kExponent : kNowhere;
    case kPoint:
      return is_digit ? kFraction : kNowhere;
    case kFraction:
      return is_digit ? kFraction : byte == 'e' || byte == 'E' ? kExponent : kNowhere;
    case kExponent:
      if (byte == '+' || byte == '-') return kExponentSign;
      [[fallthrough]];
    default:
      return is_digit ? kExponentDigits : kNowhere;
  }
}

}  // namespace

StateId SchemaMachine::step_value(StateId state, uint8_t byte) {
  const auto words = frames_.get(state);
  ValueFrame frame = {words[1], words[2], words[3]};
  if (read_space(frame.space, byte)) return put(frame);
  switch (byte) {
    case '{':
      return begin_object(frame);
    case '[':
      return begin_array(frame);
    case '"':
      return begin_text(frame);
    case 'n':
      return begin_literal(frame, 0);
    case 't':
      return begin_literal(frame, 1);
    case 'f':
      return begin_literal(frame, 2);
    default:
      return begin_number(frame, byte);
  }
}

// Whether a value of the kind with that bit may stand here.
bool SchemaMachine::kind_may_hold(const ValueFrame& frame, uint8_t bits) {
  Verdicts roots;
  for (const NodeId root : children_[frame.child].roots) {
    roots.push_back(outlook_.of_kind(root, std::countr_zero(bits)));
  }
  return may_hold(frame.parent, frame.child, roots);
}

StateId SchemaMachine::begin_literal(const ValueFrame& frame, int which) {
  if (!kind_may_hold(frame, static_cast<uint8_t>(1 << which))) return kDead;
  return put_words({kLiteral, frame.parent, frame.child, static_cast<uint32_t>(which), 1});
}

StateId SchemaMachine::step_literal(StateId state, uint8_t byte) {
  const auto words = frames_.get(state);
  const std::array<uint32_t, 4> frame = {words[1], words[2], words[3], words[4]};
  const std::string_view text = kLiterals[frame[2]];
  if (static_cast<uint8_t>(text[frame[3]]) != byte) return kDead;
  if (frame[3] + 1 < text.size()) {
    return put_words({kLiteral, frame[0], frame[1], frame[2], frame[3] + 1});
  }
  Verdicts roots;
  for (const NodeId root : children_[frame[1]].roots) {
    roots.push_back(outlook_.of_kind(root, static_cast<int>(frame[2])));
  }
  return finish(frame[0], frame[1], roots);
}

StateId SchemaMachine::begin_text(const ValueFrame& frame) {
  if (!kind_may_hold(frame, kStringBit)) return kDead;
  const Child& child = children_[frame.child];
  TextFrame text = {frame.parent, frame.child, {}, {}};
  if (child.all_must_hold) {
    text.exprs = {child.joint_text};
  } else {
    for (const NodeId root : child.roots) text.exprs.push_back(graph_->texts[root]);
  }
  return text_may_hold(text) ? put(text) : kDead;
}

bool SchemaMachine::text_may_hold(const TextFrame& frame) {
  if (children_[frame.child].all_must_hold) return pool_->can_match(frame.exprs[0]);
  Verdicts roots;
  for (const ExprId expr : frame.exprs) {
    roots.push_back({pool_->can_match(expr), expr != pool_->any_text()});
  }
  return may_hold(frame.parent, frame.child, roots);
}

bool SchemaMachine::text_may_hold_after(const TextFrame& frame, std::string_view text) {
  TextFrame next = frame;
  for (ExprId& expr : next.exprs) expr = pool_->derive(expr, text);
  return text_may_hold(next);
}

// Whether an escape that has begun can end in a character that may stand here.
bool SchemaMachine::text_may_go_on(const TextFrame& frame) {
  using Mode = StringPlace::Mode;
  const Mode mode = frame.place.mode;
  if (mode == Mode::kPlain || mode == Mode::kUtf8) return true;
  const bool is_any =
      std::ranges::all_of(frame.exprs, [this](ExprId expr) { return expr == pool_->any_text(); });
  if (is_any) return true;
  const bool is_number = (mode == Mode::kHex && frame.place.left < 4) || mode == Mode::kPairHex;
  if (!is_number) {  // any character at all
    for (unsigned byte = 0; byte < 256; ++byte) {
      const char lead = static_cast<char>(byte + 'a');
      if (text_may_hold_after(frame, {&lead, 1})) return true;
    }
    return false;
  }
  const EscapeRange range = escape_range(frame.place);
  for (uint32_t code = range.first; code <= range.last; ++code) {
    if (code >= 0xD800 && code <= 0xDFFF) continue;
    std::string text;
    append_code_point(code, text);
    // Characters that begin with the same byte are forbidden together.
    if (text.size() > 1 && !text_may_hold_after(frame, std::string_view(text).substr(0, 1))) {
      code |= text.size() == 2 ? 0x3F : text.size() == 3 ? 0xFFF : 0x3FFFF;
      continue;
    }
    if (text_may_hold_after(frame, text)) return true;
  }
  return false;
}

StateId SchemaMachine::step_text(StateId state, uint8_t byte) {
  TextFrame frame = frame_at<TextFrame>(state);
  std::string text;
  switch (read_string_byte(frame.place, byte, text)) {
    case StringEvent::kError:
      return kDead;
    case StringEvent::kClosed:
      return close_text(frame);
    case StringEvent::kNone:
      return text_may_go_on(frame) ? put(frame) : kDead;
    case StringEvent::kText:
      break;
  }
  for (ExprId& expr : frame.exprs) expr = pool_->derive(expr, text);
  return text_may_hold(frame) ? put(frame) : kDead;
}

StateId SchemaMachine::close_text(const TextFrame& frame) {
  const size_t roots = children_[frame.child].roots.size();
  Verdicts verdicts;
  for (const ExprId expr : frame.exprs) verdicts.push_back(Verdict::of(pool_->nullable(expr)));
  if (!children_[frame.child].all_must_hold) return finish(frame.parent, frame.child, verdicts);
  if (!verdicts[0].can_hold) return kDead;
  return finish(frame.parent, frame.child, Verdicts(roots, Verdict::of(true)));
}

StateId SchemaMachine::begin_number(const ValueFrame& frame, uint8_t byte) {
  if (next_place(kNowhere, byte) == kNowhere || !kind_may_hold(frame, kNumberBit)) return kDead;
  const StateId nothing = put(NumberFrame{frame.parent, frame.child, kNowhere, 0});
  return step_number(nothing, byte);
}

StateId SchemaMachine::step_number(StateId state, uint8_t byte) {
  NumberFrame frame = frame_at<NumberFrame>(state);
  const uint32_t place = next_place(frame.place, byte);
  if (place == kNowhere) {
    if (!may_end(frame.place)) return kDead;
    const StateId after = end_number(frame);
    return after == kDead ? kDead : step(after, byte);
  }
  frame.place = place;
  const Closure& rules = closure(frame.child);
  const std::string& before = number_texts_[frame.text];
  if (rules.tracks_number_text && !before.starts_with(kSettled)) {
    frame.text = number_text(rules, before + static_cast<char>(byte));
  }
  if (rules.has_number_rules && !number_may_hold(frame)) return kDead;
  return put(frame);
}

uint32_t SchemaMachine::intern_number(std::string text) {
  const auto next = static_cast<uint32_t>(number_texts_.size());
  const auto [found, is_new] = number_ids_.try_emplace(text, next);
  if (is_new) number_texts_.push_back(std::move(text));
  return found->second;
}

// What to remember of a number that begins with `text`: the text, or, once every rule's verdict is
// settled whatever follows, only those. So all numbers above a minimum are one state.
uint32_t SchemaMachine::number_text(const Closure& rules, std::string text) {
  std::string settled(1, kSettled);
  for (const NodeId id : rules.nodes) {
    const SchemaNode& node = graph_->nodes[id];
    const bool is_split = node.integers_only && rules.nodes.size() > 1;
    if (is_split) return intern_number(std::move(text));
    if (!node.number || node.number->takes_all(text)) {
      settled += kTaken;
    } else if (!node.number->may_become(text)) {
      settled += kRefused;
    } else {
      return intern_number(std::move(text));
    }
  }
  return intern_number(std::move(settled));
}

SchemaMachine::Verdicts SchemaMachine::number_verdicts(const NumberFrame& frame, bool is_final) {
  const Closure& rules = closure(frame.child);
  const std::string& text = number_texts_[frame.text];
  const bool is_written_whole = frame.place <= kDigits;
  const auto integer = [&]() -> Verdict {
    if (is_written_whole) return is_final ? Verdict::of(true) : Verdict{};
    if (!is_final) return Verdict::of(false);
    // 2.0 is an integer or not, depending on the draft.
    if (text.empty() || text.starts_with(kSettled) || Decimal::parse(text).is_integer())
      return {false, false};
    return Verdict::of(false);
  };
  const auto own = [&](uint32_t slot) -> Verdict {
    const SchemaNode& node = graph_->nodes[rules.nodes[slot]];
    if ((node.kinds & kNumberBit) == 0) return Verdict::of(false);
    Verdict verdict = node.integers_only ? integer() : Verdict::of(true);
    if (!node.number) return verdict;
    if (text.starts_with(kSettled)) return both(verdict, Verdict::of(text[slot + 1] == kTaken));
    if (is_final) return both(verdict, Verdict::of(node.number->accepts(text)));
    return both(verdict, {node.number->may_become(text), true});
  };
  return evaluate(rules, own, nullptr, is_final);
}

bool SchemaMachine::number_may_hold(const NumberFrame& frame) {
  return may_hold(frame.parent, frame.child, number_verdicts(frame, false));
}

StateId SchemaMachine::end_number(const NumberFrame& frame) {
  if (!may_end(frame.place)) return kDead;
  return finish(frame.parent, frame.child, number_verdicts(frame, true));
}

}  // namespace chasqui::grammar
