// Cuts text into the words inside which byte-level BPE merges. A rule set is one row of a table,
// found by the name that a model file gives in `tokenizer.ggml.pre`; patterns run through PCRE2
// (JIT, UTF, Unicode properties, match limits).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace chasqui::text {

// One pass over the pieces that the pass before left. Each match becomes a piece, and so does
// each stretch between matches; patterns see nothing outside the piece they run on.
struct SplitStep {
  // PCRE2 syntax, except that \s and \S mean Unicode's White_Space, as they do in the published
  // patterns (PCRE2's own \s also takes U+180E). nullptr ends the row.
  const char* pattern = nullptr;
  // Cut each match further into groups of three characters, counted from its end ("1 234 567").
  bool in_triples = false;
};

// How words and vocabulary fit together beyond the patterns.
struct PreTokenizerFlags {
  bool ignore_merges = false;   // a word that is a token is taken whole, merges or not
  bool add_bos = false;         // default of add_bos_token
  bool clean_spaces = true;     // decode() removes spaces before punctuation
  bool add_sep = false;         // default of add_sep_token
  bool no_default_bos = false;  // no BOS unless the file names one
  // Text is not spelled in GPT-2's byte characters: spaces become U+2581, merges run on
  // characters, and what is no token falls back to <0xXX> tokens.
  bool raw_characters = false;
  // With raw_characters: white space only separates words and is not encoded, nor marked.
  bool drops_spaces = false;
  bool needs_bos = false;  // BOS is added whatever the file says, which early files say wrongly
};

struct PreTokenizerRow {
  std::string_view names;  // separated by spaces
  std::array<SplitStep, 7> steps;
  PreTokenizerFlags flags;
};

// All rows; the first is the default.
std::span<const PreTokenizerRow> pre_tokenizer_rows();

// nullptr when no row has that name. "" means "default".
const PreTokenizerRow* find_pre_tokenizer(std::string_view name);

// A compiled row. Immutable; any thread may split.
class PreTokenizer {
 public:
  // kUnsupported when a pattern does not compile, with PCRE2's message.
  static Result<PreTokenizer> compile(const PreTokenizerRow& row);
  PreTokenizer(PreTokenizer&&) noexcept;
  PreTokenizer& operator=(PreTokenizer&&) noexcept;
  ~PreTokenizer();

  // The end of each word, ascending, the last at text.size(); empty for "". REQUIRES: `text` is
  // valid UTF-8 and shorter than 4 GiB. A pattern that hits a match limit leaves the rest of its
  // piece in one; `gave_up`, when given, counts those.
  std::vector<uint32_t> split(std::string_view text, int* gave_up = nullptr) const;

 private:
  struct Step;
  PreTokenizer();
  std::vector<Step> steps_;
};

}  // namespace chasqui::text
