#include "grammar/internal/json_string.h"

#include <string_view>

#include "grammar/internal/utf8_ranges.h"

namespace chasqui::grammar {
namespace {

using Mode = StringPlace::Mode;

int hex_digit(uint8_t byte) {
  if (byte >= '0' && byte <= '9') return byte - '0';
  if (byte >= 'a' && byte <= 'f') return byte - 'a' + 10;
  if (byte >= 'A' && byte <= 'F') return byte - 'A' + 10;
  return -1;
}

StringEvent emit(uint8_t byte, std::string& out) {
  out.push_back(static_cast<char>(byte));
  return StringEvent::kText;
}

// The Unicode Standard, table 3-7.
StringEvent begin_utf8(StringPlace& place, uint8_t lead, std::string& out) {
  if (lead < 0xC2 || lead > 0xF4) return StringEvent::kError;
  place.mode = Mode::kUtf8;
  place.left = lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
  place.low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  place.high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  return emit(lead, out);
}

StringEvent read_plain(StringPlace& place, uint8_t byte, std::string& out) {
  if (byte == '"') return StringEvent::kClosed;
  if (byte < 0x20) return StringEvent::kError;
  if (byte >= 0x80) return begin_utf8(place, byte, out);
  if (byte != '\\') return emit(byte, out);
  place.mode = Mode::kEscape;
  return StringEvent::kNone;
}

StringEvent read_tail(StringPlace& place, uint8_t byte, std::string& out) {
  if (byte < place.low || byte > place.high) return StringEvent::kError;
  const auto left = static_cast<uint8_t>(place.left - 1);
  place = {};
  if (left > 0) place = {Mode::kUtf8, left, 0x80, 0xBF, 0, 0};
  return emit(byte, out);
}

StringEvent read_escape(StringPlace& place, uint8_t byte, std::string& out) {
  constexpr std::string_view kNames = "\"\\/bfnrt";
  constexpr std::string_view kValues = "\"\\/\b\f\n\r\t";
  if (byte == 'u') {
    place.mode = Mode::kHex;
    place.left = 4;
    return StringEvent::kNone;
  }
  const size_t at = kNames.find(static_cast<char>(byte));
  if (at == std::string_view::npos) return StringEvent::kError;
  place = {};
  return emit(static_cast<uint8_t>(kValues[at]), out);
}

StringEvent finish_unit(StringPlace& place, std::string& out) {
  const uint32_t unit = place.unit;
  const bool is_low = unit >= 0xDC00 && unit <= 0xDFFF;
  if (place.mode == Mode::kPairHex) {
    if (!is_low) return StringEvent::kError;
    append_code_point(0x10000 + ((place.high_surrogate - 0xD800u) << 10) + (unit - 0xDC00), out);
    place = {};
    return StringEvent::kText;
  }
  if (is_low) return StringEvent::kError;
  if (unit >= 0xD800 && unit <= 0xDBFF) {
    place = {};
    place.mode = Mode::kPairSlash;
    place.high_surrogate = static_cast<uint16_t>(unit);
    return StringEvent::kNone;
  }
  append_code_point(unit, out);
  place = {};
  return StringEvent::kText;
}

StringEvent read_hex(StringPlace& place, uint8_t byte, std::string& out) {
  const int digit = hex_digit(byte);
  if (digit < 0) return StringEvent::kError;
  place.unit = static_cast<uint16_t>(place.unit << 4 | digit);
  if (--place.left == 0) return finish_unit(place, out);
  // Low surrogates come second only, and nothing else does.
  const EscapeRange range = escape_range(place);
  return range.first > range.last ? StringEvent::kError : StringEvent::kNone;
}

}  // namespace

StringPlace StringPlace::unpack(uint64_t packed) {
  StringPlace place;
  place.mode = static_cast<Mode>(packed & 0xFF);
  place.left = static_cast<uint8_t>(packed >> 8);
  place.low = static_cast<uint8_t>(packed >> 16);
  place.high = static_cast<uint8_t>(packed >> 24);
  place.unit = static_cast<uint16_t>(packed >> 32);
  place.high_surrogate = static_cast<uint16_t>(packed >> 48);
  return place;
}

EscapeRange escape_range(const StringPlace& place) {
  const uint32_t low = static_cast<uint32_t>(place.unit) << (4 * place.left);
  const uint32_t high = low | ((1u << (4 * place.left)) - 1);
  if (place.mode == Mode::kHex) {
    const bool only_low = low >= 0xDC00 && high <= 0xDFFF;
    if (only_low) return {1, 0};
    // High surrogates stand for every character that they begin.
    if (low >= 0xD800 && high <= 0xDBFF) {
      return {0x10000 + ((low - 0xD800) << 10), 0x10000 + ((high - 0xD800) << 10) + 0x3FF};
    }
    return {low, high};
  }
  const uint32_t first = low < 0xDC00 ? 0xDC00 : low;
  const uint32_t last = high > 0xDFFF ? 0xDFFF : high;
  if (first > last) return {1, 0};
  const uint32_t base = 0x10000 + ((place.high_surrogate - 0xD800u) << 10);
  return {base + first - 0xDC00, base + last - 0xDC00};
}

StringEvent read_string_byte(StringPlace& place, uint8_t byte, std::string& out) {
  switch (place.mode) {
    case Mode::kPlain:
      return read_plain(place, byte, out);
    case Mode::kUtf8:
      return read_tail(place, byte, out);
    case Mode::kEscape:
      return read_escape(place, byte, out);
    case Mode::kHex:
    case Mode::kPairHex:
      return read_hex(place, byte, out);
    case Mode::kPairSlash:
      if (byte != '\\') return StringEvent::kError;
      place.mode = Mode::kPairU;
      return StringEvent::kNone;
    case Mode::kPairU:
      if (byte != 'u') return StringEvent::kError;
      place.mode = Mode::kPairHex;
      place.left = 4;
      place.unit = 0;
      return StringEvent::kNone;
  }
  return StringEvent::kError;
}

}  // namespace chasqui::grammar
