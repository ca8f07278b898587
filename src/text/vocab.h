// The token table of a model: texts, kinds, scores, merges and the special ids, read and checked
// from GGUF metadata (`tokenizer.ggml.*`). Immutable after load; any thread may read.
// Keys: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. What files leave out follows
// the defaults that llama.cpp gives each kind of vocabulary, so that both read a file alike.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/result.h"
#include "gguf/file.h"

namespace chasqui::text {

using TokenId = int32_t;
constexpr TokenId kNoToken = -1;

class Charsmap;

// How text becomes tokens; `tokenizer.ggml.model` in the file.
enum class VocabKind {
  kSentencePiece,  // "llama": scores, byte fallback
  kBpe,            // "gpt2", "gemma4", "whitespace": merges by rank
  kWordPiece,      // "bert": longest match inside words; lossy
  kUnigram,        // "t5": most probable segmentation of normalised text; lossy
  kRwkv,           // "rwkv": longest match over bytes
  kPlamo2,         // "plamo2": most probable segmentation, byte fallback
};

// The codes are the file format's (`tokenizer.ggml.token_type`).
enum class TokenKind : uint8_t {
  kNormal = 1,
  kUnknown = 2,
  kControl = 3,
  kUserDefined = 4,
  kUnused = 5,
  kByte = 6,
};

struct SpecialTokens {
  TokenId bos = kNoToken;
  TokenId eos = kNoToken;
  TokenId eot = kNoToken;  // end of a turn, where that is another token than eos
  TokenId eom = kNoToken;  // end of a message that waits for a tool
  TokenId unk = kNoToken;
  TokenId sep = kNoToken;
  TokenId pad = kNoToken;
  TokenId mask = kNoToken;
  TokenId newline = kNoToken;  // filled in by the Tokenizer, which knows what encodes one
  TokenId fim_prefix = kNoToken;
  TokenId fim_suffix = kNoToken;
  TokenId fim_middle = kNoToken;
  TokenId fim_pad = kNoToken;
  TokenId fim_repository = kNoToken;
  TokenId fim_separator = kNoToken;
  bool add_bos = false;
  bool add_eos = false;
  bool add_sep = false;           // the vocabulary separates texts of a pair with `sep`
  bool add_space_prefix = false;  // SentencePiece, unigram: encoded with a space before it
  bool clean_spaces = false;      // decoding drops spaces before punctuation (DecodeOptions)
};

class Vocab {
 public:
  // Errors name the key: kNotFound (missing), kCorrupt (lengths that differ, ids out of range,
  // malformed merges), kUnsupported (a tokenizer model that we do not know, with the list of
  // those we do). An unknown `tokenizer.ggml.pre` and special ids out of range warn, and the
  // default is used.
  static Result<Vocab> load(const gguf::File& file);

  Vocab(Vocab&&) noexcept = default;
  Vocab& operator=(Vocab&&) noexcept = default;
  Vocab(const Vocab&) = delete;  // index_ and merges_ are views into this object
  Vocab& operator=(const Vocab&) = delete;

  VocabKind kind() const { return kind_; }
  const std::string& pre() const { return pre_; }  // `tokenizer.ggml.pre`, "" when absent
  int32_t size() const { return static_cast<int32_t>(texts_.size()); }

  // REQUIRES for all of these: 0 <= id < size().
  std::string_view text(TokenId id) const { return texts_[static_cast<size_t>(id)]; }
  TokenKind kind(TokenId id) const { return kinds_[static_cast<size_t>(id)]; }
  float score(TokenId id) const {
    return scores_.empty() ? 0.0f : scores_[static_cast<size_t>(id)];
  }
  // True for every token that ends a generation: eos, eot, and those that the published models
  // use so (<|im_end|>, <|eot_id|>, <|end|>, ...).
  bool is_end_of_generation(TokenId id) const { return is_eog_[static_cast<size_t>(id)]; }
  // A special token recognised in text swallows the white space before or after it.
  bool strips_left(TokenId id) const { return has_strip(id, kStripLeft); }
  bool strips_right(TokenId id) const { return has_strip(id, kStripRight); }

  std::optional<TokenId> find(std::string_view text) const;
  const SpecialTokens& special() const { return special_; }
  size_t longest_text() const { return longest_text_; }  // bytes

  // BPE merges in order of rank, as (left, right) in the vocabulary's own spelling. Views into
  // this object.
  std::span<const std::pair<std::string_view, std::string_view>> merges() const { return merges_; }

  // WordPiece, and BPE that splits at white space: what happens before words are looked up.
  bool lowercase() const { return lowercase_; }
  bool strip_accents() const { return strip_accents_; }

  // Unigram only: replacements before the text is cut, nullptr when the file has none; and whether
  // runs of spaces count as one and those at the ends as none.
  const Charsmap* charsmap() const { return charsmap_.get(); }
  bool merges_spaces() const { return merges_spaces_; }

 private:
  friend class Tokenizer;
  friend class VocabLoader;
  static constexpr uint8_t kStripLeft = 1;
  static constexpr uint8_t kStripRight = 2;

  Vocab() = default;
  bool has_strip(TokenId id, uint8_t side) const {
    return !strips_.empty() && (strips_[static_cast<size_t>(id)] & side) != 0;
  }

  VocabKind kind_ = VocabKind::kSentencePiece;
  std::string pre_;
  std::vector<std::string> texts_;
  std::vector<TokenKind> kinds_;
  std::vector<float> scores_;  // empty when the file has none
  std::vector<bool> is_eog_;
  std::vector<uint8_t> strips_;  // kStripLeft | kStripRight by id; empty when no token strips
  std::vector<char> merge_text_;
  std::vector<std::pair<std::string_view, std::string_view>> merges_;  // views into merge_text_
  std::unordered_map<std::string_view, TokenId> index_;                // views into texts_
  size_t longest_text_ = 0;
  SpecialTokens special_;
  bool lowercase_ = true;
  bool strip_accents_ = true;
  std::shared_ptr<const Charsmap> charsmap_;
  bool merges_spaces_ = false;
};

}  // namespace chasqui::text
