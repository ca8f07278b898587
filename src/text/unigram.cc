// SentencePiece unigram vocabularies ("t5"; also XLM-RoBERTa's): the text is normalised, spaces
// become U+2581, and of all ways to cut it into tokens the one with the highest sum of scores is
// taken (Viterbi's algorithm). A character that no token covers is the unknown token, or its bytes
// where the vocabulary has tokens for them. Lossy: what normalisation removes is gone.
// Algorithm: Kudo, "Subword Regularization: Improving Neural Network Translation Models with
// Multiple Subword Candidates", 2018, as SentencePiece's encoder applies it.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "text/internal/charsmap.h"
#include "text/internal/token_trie.h"
#include "text/internal/tokenizers.h"
#include "text/internal/utf8.h"

namespace chasqui::text {
namespace {

// What an unknown character costs below the worst token (SentencePiece's kUnkPenalty).
constexpr double kUnknownPenalty = 10.0;

// Scores beyond are none that a model was trained with; sums of these stay finite.
constexpr double kScoreLimit = 1e30;

// A word without any end is cut here, so that memory stays in proportion.
constexpr size_t kLongestWord = size_t{1} << 24;

// The best way to cut a word up to some place: the last token and where it begins.
struct Step {
  double score = -std::numeric_limits<double>::infinity();
  uint32_t begin = 0;
  TokenId id = kNoToken;  // none: an unknown character
};

class Unigram final : public Tokenizer {
 public:
  explicit Unigram(Vocab vocab) : Tokenizer(std::move(vocab)) {
    build_trie();
    byte_tokens_ = byte_tokens(this->vocab());
    finish_loading();
  }

 protected:
  void encode_plain(std::string_view text, bool at_start, std::vector<TokenId>& out) const override;
  std::string unescape(std::string_view token_text) const override {
    return replace_all(token_text, kSpaceMark, " ");
  }

 private:
  struct Scratch {
    std::vector<Step> steps;
    std::vector<std::pair<uint32_t, uint32_t>> cuts;
    bool after_unknown = false;  // unknown characters in a row are one token
  };

  void build_trie();
  std::string normalise(std::string_view text, bool at_start) const;
  size_t word_end(std::string_view text, size_t begin) const;
  void find_best(std::string_view word, std::vector<Step>& steps) const;
  void encode_word(std::string_view word, Scratch& scratch, std::vector<TokenId>& out) const;
  void emit_unknown(std::string_view character, Scratch& scratch, std::vector<TokenId>& out) const;

  TokenTrie trie_;
  std::vector<double> scores_;  // by id
  double unknown_score_ = 0;
  // Whether no token goes on behind a space: then each word is cut for itself, with one result.
  bool words_are_apart_ = true;
  std::array<TokenId, 256> byte_tokens_{};
};

// True when U+2581 follows another character somewhere in `text`.
bool crosses_a_space(std::string_view text) {
  for (size_t at = text.find(kSpaceMark, 1); at != std::string_view::npos;
       at = text.find(kSpaceMark, at + 1)) {
    if (!text.substr(0, at).ends_with(kSpaceMark)) return true;
  }
  return false;
}

void Unigram::build_trie() {
  TokenTrie::Entries entries;
  double worst = std::numeric_limits<double>::infinity();
  for (TokenId id = 0; id < vocab().size(); ++id) {
    const TokenKind kind = vocab().kind(id);
    scores_.push_back(std::clamp(double{vocab().score(id)}, -kScoreLimit, kScoreLimit));
    if (kind == TokenKind::kNormal) worst = std::min(worst, scores_.back());
    // Scores are logarithms of probabilities: 0 beats all.
    if (kind == TokenKind::kUserDefined) scores_.back() = 0;
    if (kind != TokenKind::kNormal && kind != TokenKind::kUserDefined &&
        kind != TokenKind::kUnused) {
      continue;
    }
    entries.emplace_back(vocab().text(id), id);
    words_are_apart_ = words_are_apart_ && !crosses_a_space(vocab().text(id));
  }
  unknown_score_ = (std::isfinite(worst) ? worst : 0.0) - kUnknownPenalty;
  trie_ = TokenTrie(std::move(entries));
}

// What SentencePiece's normaliser gives: rules first, then spaces. (User-defined tokens, which it
// leaves alone, never come here: encode() has taken them out.)
std::string Unigram::normalise(std::string_view text, bool at_start) const {
  const bool merges = vocab().merges_spaces();
  std::string out;
  out.reserve(text.size() + text.size() / 4);
  // With merging, a space is written with the word behind it.
  bool owes_space = at_start && vocab().special().add_space_prefix;
  if (owes_space && !merges) {
    out = kSpaceMark;
    owes_space = false;
  }
  const auto append = [&](std::string_view part) {
    for (const char c : part) {
      if (c == ' ') {
        if (!merges) out += kSpaceMark;
        owes_space = merges && (owes_space || !out.empty());
        continue;
      }
      if (owes_space) out += kSpaceMark;
      owes_space = false;
      out.push_back(c);
    }
  };
  for (size_t at = 0; at < text.size();) {
    const auto rule = vocab().charsmap() == nullptr ? Charsmap::Match()
                                                    : vocab().charsmap()->longest(text.substr(at));
    if (rule.length > 0) {
      append(rule.replacement);
      at += rule.length;
      continue;
    }
    const Utf8Scan scan = scan_utf8(text, at);
    const bool valid = scan.state == Utf8Scan::State::kValid;
    append(valid ? text.substr(at, scan.length) : kReplacement);
    at += valid ? scan.length : 1;
  }
  return out;
}

// The end of the word that starts at `begin`: where the next space follows something else.
size_t Unigram::word_end(std::string_view text, size_t begin) const {
  const size_t limit = std::min(text.size(), begin + kLongestWord);
  size_t at = begin;
  while (words_are_apart_ && text.substr(at).starts_with(kSpaceMark)) at += kSpaceMark.size();
  const size_t mark = words_are_apart_ ? text.find(kSpaceMark, at) : text.size();
  if (std::min(mark, text.size()) <= limit) return std::min(mark, text.size());
  at = limit;
  while (at > begin + 1 && (static_cast<uint8_t>(text[at]) & 0xC0) == 0x80) --at;
  return at;
}

// steps[i]: the best way to cut the first i bytes; of equal ones the one found first, which has
// the longer last token.
void Unigram::find_best(std::string_view word, std::vector<Step>& steps) const {
  steps.assign(word.size() + 1, Step{});
  steps[0].score = 0;
  const auto offer = [&](size_t begin, size_t end, TokenId id, double score) {
    const double sum = steps[begin].score + score;
    if (sum > steps[end].score) steps[end] = {sum, static_cast<uint32_t>(begin), id};
  };
  for (size_t at = 0; at < word.size();) {
    const size_t character = std::min(announced_length(word[at]), word.size() - at);
    bool is_known = false;  // the character is a token
    TokenTrie::Node node = TokenTrie::kRoot;
    for (size_t end = at; end < word.size();) {
      node = trie_.child(node, word[end++]);
      if (node == TokenTrie::kNone) break;
      const TokenId id = trie_.token(node);
      if (id == kNoToken) continue;
      is_known = is_known || end - at == character;
      offer(at, end, id, scores_[static_cast<size_t>(id)]);
    }
    if (!is_known) offer(at, at + character, kNoToken, unknown_score_);
    at += character;
  }
}

void Unigram::emit_unknown(std::string_view character, Scratch& scratch,
                           std::vector<TokenId>& out) const {
  const bool has_bytes = std::all_of(character.begin(), character.end(), [&](char c) {
    return byte_tokens_[static_cast<uint8_t>(c)] != kNoToken;
  });
  if (has_bytes) {
    for (const char c : character) out.push_back(byte_tokens_[static_cast<uint8_t>(c)]);
    return;
  }
  if (!scratch.after_unknown && vocab().special().unk != kNoToken) {
    out.push_back(vocab().special().unk);
  }
  scratch.after_unknown = true;
}

void Unigram::encode_word(std::string_view word, Scratch& scratch,
                          std::vector<TokenId>& out) const {
  find_best(word, scratch.steps);
  scratch.cuts.clear();
  for (auto end = static_cast<uint32_t>(word.size()); end > 0;) {
    const uint32_t begin = scratch.steps[end].begin;
    scratch.cuts.emplace_back(begin, end);
    end = begin;
  }
  for (auto cut = scratch.cuts.rbegin(); cut != scratch.cuts.rend(); ++cut) {
    const TokenId id = scratch.steps[cut->second].id;
    if (id == kNoToken) {
      emit_unknown(word.substr(cut->first, cut->second - cut->first), scratch, out);
      continue;
    }
    scratch.after_unknown = false;
    out.push_back(id);
  }
}

void Unigram::encode_plain(std::string_view text, bool at_start, std::vector<TokenId>& out) const {
  const std::string normalised = normalise(text, at_start);
  const std::string_view whole = normalised;
  Scratch scratch;
  for (size_t begin = 0; begin < whole.size();) {
    const size_t end = word_end(whole, begin);
    encode_word(whole.substr(begin, end - begin), scratch, out);
    begin = end;
  }
}

}  // namespace

Result<std::shared_ptr<const Tokenizer>> make_unigram(Vocab vocab) {
  return std::make_shared<const Unigram>(std::move(vocab));
}

}  // namespace chasqui::text
