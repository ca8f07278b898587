// The token table of a model: texts, kinds, scores, merges and the special ids, read and checked
// from GGUF metadata (`tokenizer.ggml.*`). Immutable after load; any thread may read.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "gguf/file.h"

namespace chasqui::text {

using TokenId = int32_t;
constexpr TokenId kNoToken = -1;

// How text becomes tokens; `tokenizer.ggml.model` in the file.
enum class VocabKind {
  kSentencePiece,  // "llama": scores, byte fallback
  kBpe,            // "gpt2": byte-level merges
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
  TokenId eot = kNoToken;
  TokenId unk = kNoToken;
  TokenId sep = kNoToken;
  TokenId pad = kNoToken;
  TokenId mask = kNoToken;
  TokenId newline = kNoToken;
  TokenId fim_prefix = kNoToken;
  TokenId fim_suffix = kNoToken;
  TokenId fim_middle = kNoToken;
  bool add_bos = false;
  bool add_eos = false;
  bool add_space_prefix = false;
};

class Vocab {
 public:
  // Errors name the key: kNotFound (missing), kCorrupt (lengths that differ, ids out of range),
  // kUnsupported (a tokenizer model that we do not know, with the list of those we do).
  static Result<Vocab> load(const gguf::File& file);

  VocabKind kind() const { return kind_; }
  const std::string& pre() const { return pre_; }  // `tokenizer.ggml.pre`, "" when absent
  int32_t size() const { return static_cast<int32_t>(texts_.size()); }

  // REQUIRES for all of these: 0 <= id < size().
  std::string_view text(TokenId id) const { return texts_[static_cast<size_t>(id)]; }
  TokenKind kind(TokenId id) const { return kinds_[static_cast<size_t>(id)]; }
  float score(TokenId id) const { return scores_.empty() ? 0.0f : scores_[static_cast<size_t>(id)]; }
  // True for every token that ends a generation: eos, eot, and those that the published models
  // use so (<|im_end|>, <|eot_id|>, <|end|>, ...).
  bool is_end_of_generation(TokenId id) const { return is_eog_[static_cast<size_t>(id)]; }

  std::optional<TokenId> find(std::string_view text) const;
  const SpecialTokens& special() const { return special_; }

  // BPE merges in order of rank, as "left right" pairs in the vocabulary's own spelling.
  std::span<const std::pair<std::string, std::string>> merges() const { return merges_; }

 private:
  friend class VocabLoader;
  VocabKind kind_ = VocabKind::kSentencePiece;
  std::string pre_;
  std::vector<std::string> texts_;
  std::vector<TokenKind> kinds_;
  std::vector<float> scores_;
  std::vector<bool> is_eog_;
  std::vector<std::pair<std::string, std::string>> merges_;
  std::unordered_map<std::string_view, TokenId> index_;  // views into texts_
  SpecialTokens special_;
};

}  // namespace chasqui::text
