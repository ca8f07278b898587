#include "text/internal/utf8.h"

#include <cstring>

namespace chasqui::text {
namespace {

// What the lead byte allows: total length (0: no lead byte) and the range of the second byte.
struct LeadRule {
  uint8_t length;
  uint8_t second_low;
  uint8_t second_high;
};

constexpr LeadRule lead_rule(uint8_t lead) {
  if (lead < 0x80) return {1, 0, 0};
  if (lead < 0xC2) return {0, 0, 0};  // continuation bytes and overlong two-byte forms
  if (lead < 0xE0) return {2, 0x80, 0xBF};
  if (lead == 0xE0) return {3, 0xA0, 0xBF};  // below: overlong
  if (lead == 0xED) return {3, 0x80, 0x9F};  // above: surrogates
  if (lead < 0xF0) return {3, 0x80, 0xBF};
  if (lead == 0xF0) return {4, 0x90, 0xBF};  // below: overlong
  if (lead < 0xF4) return {4, 0x80, 0xBF};
  if (lead == 0xF4) return {4, 0x80, 0x8F};  // above: beyond U+10FFFF
  return {0, 0, 0};
}

constexpr bool is_continuation(uint8_t byte) {
  return (byte & 0xC0) == 0x80;
}

constexpr bool is_surrogate(uint32_t code_point) {
  return code_point >= 0xD800 && code_point <= 0xDFFF;
}

// Decodes by structure alone (lead byte and continuation bytes); 0 when even that fails or the
// value is beyond Unicode.
size_t decode_by_structure(std::string_view bytes, size_t at, uint32_t& code_point) {
  const auto lead = static_cast<uint8_t>(bytes[at]);
  if (lead < 0x80) {
    code_point = lead;
    return 1;
  }
  if (lead < 0xC0 || lead >= 0xF8) return 0;
  const size_t length = announced_length(bytes[at]);
  if (length > bytes.size() - at) return 0;
  code_point = lead & (0x7Fu >> length);
  for (size_t i = 1; i < length; ++i) {
    const auto byte = static_cast<uint8_t>(bytes[at + i]);
    if (!is_continuation(byte)) return 0;
    code_point = code_point << 6 | (byte & 0x3Fu);
  }
  return code_point <= 0x10FFFF ? length : 0;
}

}  // namespace

Utf8Scan scan_utf8(std::string_view bytes, size_t at) {
  using State = Utf8Scan::State;
  const LeadRule rule = lead_rule(static_cast<uint8_t>(bytes[at]));
  if (rule.length == 0) return {State::kInvalid, 1};
  for (uint8_t i = 1; i < rule.length; ++i) {
    if (at + i >= bytes.size()) return {State::kTruncated, i};
    const auto byte = static_cast<uint8_t>(bytes[at + i]);
    const bool fits =
        i == 1 ? byte >= rule.second_low && byte <= rule.second_high : is_continuation(byte);
    if (!fits) return {State::kInvalid, i};
  }
  return {State::kValid, rule.length};
}

bool is_valid_utf8(std::string_view bytes) {
  size_t at = 0;
  while (at < bytes.size()) {
    // Most text is ASCII: eight bytes at a time while none has its high bit set.
    uint64_t word = 0;
    if (bytes.size() - at >= sizeof word) {
      std::memcpy(&word, bytes.data() + at, sizeof word);
      if ((word & 0x8080808080808080ull) == 0) {
        at += sizeof word;
        continue;
      }
    }
    const Utf8Scan scan = scan_utf8(bytes, at);
    if (scan.state != Utf8Scan::State::kValid) return false;
    at += scan.length;
  }
  return true;
}

uint32_t take_character(std::string_view text, size_t& at) {
  const size_t length = announced_length(text[at]);
  uint32_t c = static_cast<uint8_t>(text[at]);
  if (length > 1) c &= 0x7Fu >> length;
  for (size_t i = 1; i < length; ++i) c = c << 6 | (static_cast<uint8_t>(text[at + i]) & 0x3Fu);
  at += length;
  return c;
}

bool is_white_space(uint32_t c) {
  return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

void append_utf8(uint32_t code_point, std::string& out) {
  const auto tail = [&](int shift) {
    out.push_back(static_cast<char>(0x80 | ((code_point >> shift) & 0x3F)));
  };
  if (code_point < 0x80) {
    out.push_back(static_cast<char>(code_point));
  } else if (code_point < 0x800) {
    out.push_back(static_cast<char>(0xC0 | code_point >> 6));
    tail(0);
  } else if (code_point < 0x10000) {
    out.push_back(static_cast<char>(0xE0 | code_point >> 12));
    tail(6);
    tail(0);
  } else {
    out.push_back(static_cast<char>(0xF0 | code_point >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

LenientText read_leniently(std::string_view bytes) {
  constexpr uint32_t kPrivateUse = 0xE000;  // three bytes, as a surrogate has
  LenientText result;
  result.text.reserve(bytes.size());
  bool has_surrogate = false;
  for (size_t at = 0; at < bytes.size();) {
    uint32_t code_point = 0;
    const size_t length = decode_by_structure(bytes, at, code_point);
    if (length == 0) {
      result.text += kReplacement;
      if (has_surrogate) result.matchable += kReplacement;
      ++at;
      continue;
    }
    if (is_surrogate(code_point) && !has_surrogate) {
      has_surrogate = true;
      result.matchable = result.text;
    }
    append_utf8(code_point, result.text);
    if (has_surrogate) {
      append_utf8(is_surrogate(code_point) ? kPrivateUse : code_point, result.matchable);
    }
    at += length;
  }
  return result;
}

}  // namespace chasqui::text
