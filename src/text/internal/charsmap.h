// SentencePiece's compiled normalisation rules (`tokenizer.ggml.precompiled_charsmap`): spellings
// and what replaces them, mostly Unicode's NFKC. The bytes are a length, a double-array trie that
// finds the longest spelling a text begins with, and the replacements, each ended by a NUL.
// Formats: sentencepiece, normalizer.cc (EncodePrecompiledCharsMap); the trie's units are those of
// darts-clone (Yata): label in bits 0 to 7, "has a value" in bit 8, offset in bits 9 to 30.
// Immutable; any thread may read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace chasqui::text {

class Charsmap {
 public:
  // Bounds what a text can grow to by normalisation; NFKC's longest replacement has 33 bytes.
  static constexpr size_t kLongestReplacement = 128;
  // Bounds a step of normalisation, also where a hostile trie runs in circles. NFKC's longest
  // spellings have a few characters.
  static constexpr size_t kLongestSpelling = 256;

  // kCorrupt when the parts do not fit `bytes` or a replacement has no end or is longer than
  // kLongestReplacement; the message says what of them. The bytes are copied. Offsets inside the
  // trie are not checked here: one that leads out of it is no match when it is met.
  static Result<Charsmap> read(std::span<const std::byte> bytes);

  struct Match {
    size_t length = 0;             // bytes of the text that the rule replaces; 0: no rule
    std::string_view replacement;  // "" deletes; a view into this object
  };
  // The rule with the longest spelling, of at most kLongestSpelling bytes, that `text` begins with.
  Match longest(std::string_view text) const;

 private:
  std::vector<uint32_t> units_;
  std::string replacements_;  // empty, or ends with a NUL
};

}  // namespace chasqui::text
