// PLaMo 2's vocabularies ("plamo2"): of all ways to cut the text into tokens the one with the
// highest sum of scores, where a character that no token covers costs a fixed score and becomes
// its bytes. Scores are summed as whole numbers, so that equal sums are equal.
// Algorithm: Preferred Networks, "PLaMo 2" tokenizer (tokenization_plamo.py): dynamic programming
// from the end of the text to its beginning.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "text/internal/token_trie.h"
#include "text/internal/tokenizers.h"
#include "text/internal/utf8.h"

namespace chasqui::text {
namespace {

constexpr double kScoreScale = 1e4;
constexpr int64_t kUnknownScore = -10'000'000;
constexpr int64_t kWorstScore = -20'000'000;  // tokens at or below it are never used
constexpr int64_t kBestScore = 20'000'000;    // bounds the sums of a hostile file
constexpr uint32_t kByteOrderMark = 0xFEFF;

// The best way to cut the text from some place on: the first token.
struct Step {
  int64_t score = std::numeric_limits<int64_t>::min();
  uint32_t length = 0;    // bytes
  TokenId id = kNoToken;  // none: an unknown character
};

class Plamo2 final : public Tokenizer {
 public:
  explicit Plamo2(Vocab vocab) : Tokenizer(std::move(vocab)) {
    TokenTrie::Entries entries;
    for (TokenId id = 0; id < this->vocab().size(); ++id) {
      const double score = std::round(double{this->vocab().score(id)} * kScoreScale);
      const bool usable = std::isfinite(score) && score > static_cast<double>(kWorstScore);
      scores_.push_back(usable
                            ? static_cast<int64_t>(std::min(score, static_cast<double>(kBestScore)))
                            : kWorstScore);
      const TokenKind kind = this->vocab().kind(id);
      const bool is_text = kind == TokenKind::kNormal || kind == TokenKind::kUserDefined;
      if (usable && is_text) entries.emplace_back(this->vocab().text(id), id);
    }
    trie_ = TokenTrie(std::move(entries));
    byte_tokens_ = byte_tokens(this->vocab());
    finish_loading();
  }

 protected:
  void encode_plain(std::string_view text, bool at_start, std::vector<TokenId>& out) const override;
  std::string unescape(std::string_view token_text) const override {
    return std::string(token_text);
  }

 private:
  std::vector<Step> find_best(std::string_view text) const;
  void emit_bytes(std::string_view character, std::vector<TokenId>& out) const;

  TokenTrie trie_;
  std::vector<int64_t> scores_;  // by id
  std::array<TokenId, 256> byte_tokens_{};
};

// By place; of equal ones the one with the longest first token.
std::vector<Step> Plamo2::find_best(std::string_view text) const {
  std::vector<Step> steps(text.size() + 1);
  steps.back().score = 0;
  for (size_t at = text.size(); at-- > 0;) {
    if ((static_cast<uint8_t>(text[at]) & 0xC0) == 0x80) continue;  // inside a character
    Step& best = steps[at];
    const auto character = static_cast<uint32_t>(announced_length(text[at]));
    best = {steps[at + character].score + kUnknownScore, character, kNoToken};
    TokenTrie::Node node = TokenTrie::kRoot;
    for (size_t end = at; end < text.size();) {
      node = trie_.child(node, text[end++]);
      if (node == TokenTrie::kNone) break;
      const TokenId id = trie_.token(node);
      // A place inside a character has no way to the end.
      if (id == kNoToken || steps[end].score == Step{}.score) continue;
      const int64_t score = steps[end].score + scores_[static_cast<size_t>(id)];
      if (score >= best.score) best = {score, static_cast<uint32_t>(end - at), id};
    }
  }
  return steps;
}

void Plamo2::emit_bytes(std::string_view character, std::vector<TokenId>& out) const {
  for (const char c : character) {
    const TokenId byte = byte_tokens_[static_cast<uint8_t>(c)];
    const TokenId id = byte != kNoToken ? byte : vocab().special().unk;
    if (id != kNoToken) out.push_back(id);
  }
}

void Plamo2::encode_plain(std::string_view text, bool at_start, std::vector<TokenId>& out) const {
  LenientText lenient;
  if (!is_valid_utf8(text)) {
    lenient = read_leniently(text);
    text = lenient.text;
  }
  size_t at = 0;
  if (at_start && take_character(text, at) == kByteOrderMark) text.remove_prefix(at);
  const std::vector<Step> steps = find_best(text);
  for (at = 0; at < text.size(); at += steps[at].length) {
    if (steps[at].id != kNoToken) {
      out.push_back(steps[at].id);
    } else {
      emit_bytes(text.substr(at, steps[at].length), out);
    }
  }
}

}  // namespace

Result<std::shared_ptr<const Tokenizer>> make_plamo2(Vocab vocab) {
  return std::make_shared<const Plamo2>(std::move(vocab));
}

}  // namespace chasqui::text
