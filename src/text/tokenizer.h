// Text to token ids and back. Immutable after load; any thread may call any method at once.
// Bounded: time is O(n log n) in the length of the text whatever the text is, and memory O(n); for
// kinds that match tokens against the text, time is O(n x longest token) with at most 1024 bytes.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gguf/file.h"
#include "text/vocab.h"

namespace chasqui::text {

class SpecialMatcher;

struct EncodeOptions {
  bool add_special = true;     // BOS / EOS as the model's metadata says
  bool parse_special = false;  // recognise control tokens spelled in the text. Only for text that
                               // we wrote ourselves (templates), never for a user's words
};

struct DecodeOptions {
  bool remove_special = false;   // drop a leading BOS and trailing EOS that encode() would add
  bool unparse_special = false;  // print control tokens as their text instead of nothing
  // Apply the clean-up that some vocabularies ask for (spaces before punctuation and in
  // contractions go: "Hello , it 's" becomes "Hello, it's"). It loses spaces that were meant, so
  // generated text is never cleaned: Detokenizer gives decode() with clean_spaces = false.
  bool clean_spaces = true;
};

class Tokenizer {
 public:
  // The errors of Vocab::load, and kUnsupported for patterns that do not compile.
  static Result<std::shared_ptr<const Tokenizer>> load(const gguf::File& file);
  virtual ~Tokenizer();
  Tokenizer(const Tokenizer&) = delete;
  Tokenizer& operator=(const Tokenizer&) = delete;

  const Vocab& vocab() const { return vocab_; }

  // Any bytes are accepted; what is not UTF-8 is encoded byte by byte (or as U+FFFD where the
  // model's scheme has no bytes). "" gives only the special tokens that add_special asks for.
  // User-defined tokens are recognised in the text always, control tokens with parse_special;
  // where several start at one place the longest counts.
  std::vector<TokenId> encode(std::string_view text, EncodeOptions options) const;

  // The bytes of one token, as it contributes to a text: "" for control tokens unless `special`.
  // Not necessarily whole UTF-8 characters. Ids out of range give "". Valid as long as this.
  std::string_view piece(TokenId id, bool special) const;

  // The text of a whole sequence, with the leading-space rule of the model applied: the first
  // token, and only that one, loses its first space when encoding put it there.
  std::string decode(std::span<const TokenId> ids, DecodeOptions options) const;

  // Whether the first space of a decoded text is an artefact of encoding (SentencePiece, unigram).
  bool strips_leading_space() const { return vocab_.special().add_space_prefix; }

 protected:
  explicit Tokenizer(Vocab vocab);
  // Appends the tokens of `text`, which holds no special token and is shorter than 1 GiB.
  // `at_start`: nothing precedes it, or only a special token does.
  virtual void encode_plain(std::string_view text, bool at_start,
                            std::vector<TokenId>& out) const = 0;
  // The bytes for which a normal token stands.
  virtual std::string unescape(std::string_view token_text) const = 0;
  // Builds what follows from encode_plain() and unescape(); subclasses call it once both work.
  void finish_loading();

 private:
  void build_pieces();
  TokenId find_newline() const;
  void encode_fragment(std::string_view text, bool at_start, std::vector<TokenId>& out) const;

  Vocab vocab_;
  std::vector<std::string> pieces_;  // bytes of each token, control tokens included
  std::unique_ptr<const SpecialMatcher> specials_;
};

}  // namespace chasqui::text
