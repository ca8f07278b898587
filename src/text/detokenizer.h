// Tokens to text while they arrive: emits only whole UTF-8 characters and keeps the bytes of an
// unfinished one until its end comes. O(1) amortised a token. One object per sequence, not
// thread-safe; the Tokenizer must outlive it.
#pragma once

#include <string>
#include <string_view>

#include "text/tokenizer.h"

namespace chasqui::text {

class Detokenizer {
 public:
  // `at_start`: the text begins here, so a model that prefixes a space has it stripped; false
  // for a text that continues a prompt.
  Detokenizer(const Tokenizer& tokenizer, bool at_start, bool show_special = false);

  // Appends a token; returns the text that it completed (possibly ""). Bytes that can no longer
  // become a valid character come out as U+FFFD, one for each maximal invalid part (the Unicode
  // standard's recommended practice), so that the result is always valid UTF-8.
  std::string push(TokenId id);

  // The end: what is still held back, as U+FFFD if incomplete. The object may be used again.
  std::string finish();

  size_t held_bytes() const { return held_.size(); }

 private:
  const Tokenizer& tokenizer_;
  bool strip_space_;  // the next text loses one leading space
  bool show_special_;
  std::string held_;  // at most 3 bytes: a proper prefix of a UTF-8 character
};

// Length of the longest prefix of `bytes` that does not end inside a character; bytes that are
// invalid count as complete.
size_t complete_utf8_prefix(std::string_view bytes);

// `bytes` with every maximal invalid part replaced by U+FFFD.
std::string to_valid_utf8(std::string_view bytes);

}  // namespace chasqui::text
