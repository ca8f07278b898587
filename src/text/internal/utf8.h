// UTF-8 as tokenizers need it: strict scanning, and the lenient reading of broken text.
// Well-formed sequences: The Unicode Standard, table 3-7; maximal subparts: section 3.9, U+FFFD
// substitution. Pure functions; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace chasqui::text {

inline constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

struct Utf8Scan {
  enum class State : uint8_t { kValid, kInvalid, kTruncated };
  State state = State::kValid;
  // Bytes of the character, or of the maximal part that cannot (kInvalid) or not yet (kTruncated:
  // the text ends inside a character that may still become valid) be one. 1 to 4.
  uint8_t length = 1;
};

// Reads the sequence that starts at `at`. REQUIRES: at < bytes.size().
Utf8Scan scan_utf8(std::string_view bytes, size_t at);

bool is_valid_utf8(std::string_view bytes);

// Length that a lead byte announces, 1 to 4, without any look at what follows; stray continuation
// bytes count as 1. SentencePiece vocabularies cut text so, broken or not.
inline size_t announced_length(char lead) {
  const auto byte = static_cast<uint8_t>(lead);
  if (byte < 0xC0) return 1;
  return byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

// The character that starts at `at`, which moves behind it. REQUIRES: `text` is valid UTF-8 but for
// surrogates, as LenientText is, and at < text.size().
uint32_t take_character(std::string_view text, size_t& at);

// Unicode's White_Space property.
bool is_white_space(uint32_t code_point);

// Appends `code_point` as 1 to 4 bytes. REQUIRES: code_point <= 0x10FFFF. Surrogates get their
// three bytes.
void append_utf8(uint32_t code_point, std::string& out);

// Text as byte-level BPE vocabularies were measured to read it: overlong forms become the
// character that they spell, surrogates stay, each byte of anything else becomes U+FFFD.
struct LenientText {
  std::string text;
  // `text` with every surrogate replaced by a private-use character of the same length; "" when
  // there is none. For matchers that insist on valid UTF-8.
  std::string matchable;
};
LenientText read_leniently(std::string_view bytes);

}  // namespace chasqui::text
