#include "grammar/internal/regex_classes.h"

#include <fmt/format.h>
#include <utf8proc.h>

#include "grammar/internal/regex.h"
#include "grammar/internal/utf8_ranges.h"

namespace chasqui::grammar {
namespace {

using Ranges = std::vector<CodeRange>;

Ranges digits() {
  return {{'0', '9'}};
}

Ranges word() {
  return {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
}

// WhiteSpace and LineTerminator of ECMA-262.
Ranges space() {
  return {{0x09, 0x0D},     {0x20, 0x20},     {0xA0, 0xA0},     {0x1680, 0x1680}, {0x2000, 0x200A},
          {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000}, {0xFEFF, 0xFEFF}};
}

Result<Ranges> category(RegexCursor& cursor, bool negated) {
  if (!cursor.take('{')) return cursor.error("\\p needs a category in braces");
  std::string name;
  while (!cursor.at_end() && cursor.peek() != '}' && name.size() < 40) {
    name.push_back(static_cast<char>(cursor.next()));
  }
  if (!cursor.take('}')) return cursor.error("\\p{ is not closed");
  for (const std::string_view prefix : {"General_Category=", "gc="}) {
    if (name.starts_with(prefix)) name.erase(0, prefix.size());
  }
  const Ranges ranges = cursor.pool().unicode_category(name);
  if (ranges.empty()) return cursor.unsupported(fmt::format("the property {}", name));
  return negated ? invert_ranges(ranges) : ranges;
}

Result<Ranges> code(RegexCursor& cursor, std::optional<uint32_t> value) {
  if (!value || *value > 0x10FFFF) return cursor.error("malformed number in an escape");
  return Ranges{{*value, *value}};
}

Result<Ranges> unicode_escape(RegexCursor& cursor) {
  if (!cursor.take('{')) {
    const std::optional<uint32_t> unit = cursor.hex(4);
    const bool is_high = unit && *unit >= 0xD800 && *unit <= 0xDBFF;
    const size_t start = cursor.position();
    if (is_high && cursor.take('\\') && cursor.take('u')) {
      const std::optional<uint32_t> low = cursor.hex(4);
      if (low && *low >= 0xDC00 && *low <= 0xDFFF) {
        return code(cursor, 0x10000 + ((*unit - 0xD800) << 10) + (*low - 0xDC00));
      }
      cursor.set_position(start);
    }
    return code(cursor, unit);
  }
  uint32_t value = 0;
  int count = 0;
  while (!cursor.at_end() && cursor.peek() != '}' && count++ < 6) {
    const std::optional<uint32_t> digit = cursor.hex(1);
    if (!digit) return cursor.error("malformed number in an escape");
    value = value << 4 | *digit;
  }
  if (!cursor.take('}') || count == 0) return cursor.error("malformed number in an escape");
  return code(cursor, value);
}

// Behind the backslash.
Result<Ranges> escape(RegexCursor& cursor, bool in_class) {
  if (cursor.at_end()) return cursor.error("nothing behind a backslash");
  const uint32_t name = cursor.next();
  switch (name) {
    case 'd':
      return digits();
    case 'D':
      return invert_ranges(digits());
    case 'w':
      return word();
    case 'W':
      return invert_ranges(word());
    case 's':
      return space();
    case 'S':
      return invert_ranges(space());
    case 'p':
    case 'P':
      return category(cursor, name == 'P');
    case 'n':
      return Ranges{{'\n', '\n'}};
    case 'r':
      return Ranges{{'\r', '\r'}};
    case 't':
      return Ranges{{'\t', '\t'}};
    case 'f':
      return Ranges{{'\f', '\f'}};
    case 'v':
      return Ranges{{'\v', '\v'}};
    case 'x':
      return code(cursor, cursor.hex(2));
    case 'u':
      return unicode_escape(cursor);
    case 'c': {
      const uint32_t letter = cursor.at_end() ? 0 : cursor.next() | 0x20;
      if (letter < 'a' || letter > 'z') return cursor.error("\\c needs a letter");
      return Ranges{{letter - 'a' + 1, letter - 'a' + 1}};
    }
    case '0':
      if (!cursor.digit_next()) return Ranges{{0, 0}};
      return cursor.unsupported("an octal escape");
    default:
      break;
  }
  if (name == 'b' && in_class) return Ranges{{'\b', '\b'}};
  if (name == 'b' || name == 'B') return cursor.unsupported("a word boundary");
  if (name >= '1' && name <= '9') return cursor.unsupported("a back reference");
  const bool is_letter = (name >= 'a' && name <= 'z') || (name >= 'A' && name <= 'Z');
  if (is_letter) return cursor.unsupported(fmt::format("\\{}", static_cast<char>(name)));
  return Ranges{{name, name}};
}

Result<Ranges> class_item(RegexCursor& cursor) {
  if (cursor.take('\\')) return escape(cursor, true);
  const uint32_t character = cursor.next();
  return Ranges{{character, character}};
}

// Behind the opening bracket.
Result<Ranges> bracketed(RegexCursor& cursor) {
  const bool negated = cursor.take('^');
  Ranges ranges;
  while (!cursor.take(']')) {
    if (cursor.at_end()) return cursor.error("a class is not closed");
    CHASQUI_TRY(const Ranges first, class_item(cursor));
    const auto is_single = [](const Ranges& item) {
      return item.size() == 1 && item[0].first == item[0].last;
    };
    const size_t before_dash = cursor.position();
    if (!is_single(first) || !cursor.take('-')) {
      ranges.insert(ranges.end(), first.begin(), first.end());
      continue;
    }
    if (cursor.at_end() || cursor.peek() == ']') {  // [a-]: both are meant
      cursor.set_position(before_dash);
      ranges.push_back(first[0]);
      continue;
    }
    CHASQUI_TRY(const Ranges last, class_item(cursor));
    if (!is_single(last)) {  // [a-\d]: a dash too
      ranges.insert(ranges.end(), {first[0], {'-', '-'}});
      ranges.insert(ranges.end(), last.begin(), last.end());
      continue;
    }
    if (last[0].first < first[0].first) return cursor.error("range out of order in a class");
    ranges.push_back({first[0].first, last[0].first});
  }
  return negated ? invert_ranges(ranges) : join_ranges(ranges);
}

}  // namespace

uint32_t RegexCursor::next() {
  utf8proc_int32_t code = 0;
  const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text_.data() + at_);
  const utf8proc_ssize_t length =
      utf8proc_iterate(bytes, static_cast<utf8proc_ssize_t>(text_.size() - at_), &code);
  if (length <= 0) return static_cast<uint8_t>(text_[at_++]);
  at_ += static_cast<size_t>(length);
  return static_cast<uint32_t>(code);
}

std::optional<uint32_t> RegexCursor::number(uint32_t most) {
  if (!digit_next()) return std::nullopt;
  uint64_t value = 0;
  while (digit_next()) {
    value = value * 10 + static_cast<uint64_t>(text_[at_++] - '0');
    if (value > most) return std::nullopt;
  }
  return static_cast<uint32_t>(value);
}

std::optional<uint32_t> RegexCursor::hex(int digits) {
  uint32_t value = 0;
  for (int i = 0; i < digits; ++i) {
    if (at_end()) return std::nullopt;
    const char c = text_[at_++];
    const bool is_digit = c >= '0' && c <= '9';
    const char letter = static_cast<char>(c | 0x20);
    if (!is_digit && (letter < 'a' || letter > 'f')) return std::nullopt;
    value = value << 4 | static_cast<uint32_t>(is_digit ? c - '0' : letter - 'a' + 10);
  }
  return value;
}

tl::unexpected<Error> RegexCursor::error(std::string_view what) const {
  return fail(ErrorCode::kInvalidArgument, fmt::format("character {}: {}", at_ + 1, what));
}

tl::unexpected<Error> RegexCursor::unsupported(std::string_view what) const {
  return fail(ErrorCode::kUnsupported, fmt::format("character {}: {} is not supported", at_, what));
}

Result<std::vector<CodeRange>> read_class_or_character(RegexCursor& cursor) {
  if (cursor.take('[')) return bracketed(cursor);
  if (cursor.take('\\')) return escape(cursor, false);
  const uint32_t character = cursor.next();
  return Ranges{{character, character}};
}

}  // namespace chasqui::grammar
