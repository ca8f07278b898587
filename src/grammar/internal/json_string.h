// The bytes between the quotes of a JSON string (RFC 8259, section 7): escapes resolved, UTF-8
// checked. Half a surrogate pair is an error, for no text can hold it.
#pragma once

#include <cstdint>
#include <string>

namespace chasqui::grammar {

// Where a reader is. Value type; the default is "between two characters".
struct StringPlace {
  enum class Mode : uint8_t {
    kPlain,
    kUtf8,       // `left` more bytes, the next from `low` to `high`
    kEscape,     // behind a backslash
    kHex,        // `left` more hexadecimal digits of `unit`
    kPairSlash,  // a high surrogate was read: a second escape must follow
    kPairU,
    kPairHex,
  };
  Mode mode = Mode::kPlain;
  uint8_t left = 0;
  uint8_t low = 0;
  uint8_t high = 0;
  uint16_t unit = 0;
  uint16_t high_surrogate = 0;

  bool is_plain() const { return mode == Mode::kPlain; }
  uint64_t packed() const {
    return static_cast<uint64_t>(mode) | uint64_t{left} << 8 | uint64_t{low} << 16 |
           uint64_t{high} << 24 | uint64_t{unit} << 32 | uint64_t{high_surrogate} << 48;
  }
  static StringPlace unpack(uint64_t packed);
};

enum class StringEvent : uint8_t { kNone, kText, kClosed, kError };

// Reads one byte. kText: `out` gained the bytes for which the characters read stand.
StringEvent read_string_byte(StringPlace& place, uint8_t byte, std::string& out);

// The code points that an escape which has begun may still become: `first` to `last`.
// REQUIRES: mode kHex or kPairHex.
struct EscapeRange {
  uint32_t first = 0;
  uint32_t last = 0;
};
EscapeRange escape_range(const StringPlace& place);

// Plain characters stand for themselves wherever text may stand: no quote, no backslash, no control
// character, no line separator.
inline bool is_plain(uint32_t code_point) {
  if (code_point < 0x20 || code_point == '"' || code_point == '\\') return false;
  if (code_point >= 0x7F && code_point <= 0x9F) return false;
  return code_point != 0x2028 && code_point != 0x2029;
}

}  // namespace chasqui::grammar
