// SentencePiece vocabularies with scores ("llama"): spaces become U+2581, the text is one word,
// and of all neighbours whose joined text is a token the best score merges first. What is no
// token in the end falls back to byte tokens.
// Algorithm: Kudo and Richardson, "SentencePiece: A simple and language independent subword
// tokenizer and detokenizer for Neural Text Processing", 2018 (its BPE mode).
#include <algorithm>
#include <array>
#include <bitset>
#include <numeric>

#include "text/internal/merger.h"
#include "text/internal/tokenizers.h"
#include "text/internal/utf8.h"

namespace chasqui::text {
namespace {

// Longer texts are not looked for among merges, so that a hostile file cannot make loading slow.
constexpr size_t kLongestMerged = 1024;

// One character, possibly broken, as a number: up to four bytes and their count.
uint64_t character_key(std::string_view character) {
  uint64_t key = character.size();
  for (const char c : character) key = key << 8 | static_cast<uint8_t>(c);
  return key;
}

std::string_view first_character(std::string_view text) {
  return text.substr(0, std::min(announced_length(text[0]), text.size()));
}

// The same, but a broken character does not swallow the space behind it, which would come back
// as U+2581.
std::string_view next_character(std::string_view text) {
  const std::string_view character = first_character(text);
  if (character.size() == 1 || is_valid_utf8(character)) return character;
  return character.substr(0, std::min(text.substr(0, 6).find(kSpaceMark, 1), character.size()));
}

// Finds tokens by their text in O(1) after O(length) preparation, for all parts of one text:
// polynomial hashes of prefixes (Rabin and Karp, 1987), each hit compared.
class TextIndex {
 public:
  explicit TextIndex(const Vocab& vocab) : vocab_(vocab) {
    powers_.assign(1, 1);
    index_.reserve(static_cast<size_t>(vocab.size()));
    for (TokenId id = 0; id < vocab.size(); ++id) {
      const std::string_view text = vocab.text(id);
      if (text.size() > kLongestMerged || !vocab.find(text)) continue;
      prepare(text);
      index_.insert(hash(0, text.size()), {static_cast<uint32_t>(*vocab.find(text)), 0});
    }
  }

  void prepare(std::string_view text) {
    text_ = text;
    prefixes_.assign(1, 0);
    for (const char c : text) {
      prefixes_.push_back(prefixes_.back() * kBase + static_cast<uint8_t>(c) + 1);
    }
    while (powers_.size() < prefixes_.size()) powers_.push_back(powers_.back() * kBase);
  }

  // The token whose text is bytes [begin, end) of the prepared text, or kNoSymbol.
  SymbolId find(size_t begin, size_t end) const {
    const auto* found = index_.find(hash(begin, end));
    if (found == nullptr) return kNoSymbol;
    const auto id = static_cast<TokenId>(found->first);
    return vocab_.text(id) == text_.substr(begin, end - begin) ? found->first : kNoSymbol;
  }

 private:
  static constexpr uint64_t kBase = 0x9E3779B97F4A7C15ull;

  uint64_t hash(size_t begin, size_t end) const {
    const uint64_t value = prefixes_[end] - prefixes_[begin] * powers_[end - begin];
    return value == UINT64_MAX ? 0 : value;
  }

  const Vocab& vocab_;
  FlatMap index_;
  std::string_view text_;
  std::vector<uint64_t> prefixes_;
  std::vector<uint64_t> powers_;
};

class SentencePiece final : public Tokenizer {
 public:
  explicit SentencePiece(Vocab vocab) : Tokenizer(std::move(vocab)) {
    build_characters();
    build_merges();
    build_bytes();
    finish_loading();
  }

 protected:
  void encode_plain(std::string_view text, bool at_start, std::vector<TokenId>& out) const override;
  std::string unescape(std::string_view token_text) const override {
    return replace_all(token_text, kSpaceMark, " ");
  }

 private:
  void build_characters();
  void build_merges();
  void build_bytes();
  std::vector<uint32_t> score_ranks() const;
  SymbolId symbol_of(const TextIndex& index, std::string_view text, size_t begin, size_t end) const;
  void emit(std::string_view text, const std::vector<Symbol>& symbols,
            std::vector<TokenId>& out) const;

  static size_t joint(char before, char after) {
    return static_cast<size_t>(static_cast<uint8_t>(before)) << 8 | static_cast<uint8_t>(after);
  }

  FlatMap characters_;  // character_key -> symbol
  MergeTable merges_;
  // Whether some merge has one byte at the end of its left and the other at the start of its
  // right side. Where none has, no merge can cross, and the text is cut into short runs.
  std::bitset<65536> joints_;
  std::array<TokenId, 256> byte_tokens_{};
};

// Every character of every token needs a symbol, also those that are no token themselves: they
// merge all the same.
void SentencePiece::build_characters() {
  auto next = static_cast<SymbolId>(vocab().size());
  for (TokenId id = 0; id < vocab().size(); ++id) {
    std::string_view text = vocab().text(id);
    while (!text.empty()) {
      const std::string_view character = first_character(text);
      const uint64_t key = character_key(character);
      if (characters_.find(key) == nullptr) {
        const auto token = vocab().find(character);
        characters_.insert(key, {token ? static_cast<SymbolId>(*token) : next++, 0});
      }
      text.remove_prefix(character.size());
    }
  }
}

// Rank of each token's score, best first; equal scores share a rank.
std::vector<uint32_t> SentencePiece::score_ranks() const {
  std::vector<TokenId> order(static_cast<size_t>(vocab().size()));
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [&](TokenId a, TokenId b) { return vocab().score(a) > vocab().score(b); });
  std::vector<uint32_t> ranks(order.size());
  uint32_t rank = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    if (i > 0 && vocab().score(order[i]) != vocab().score(order[i - 1])) ++rank;
    ranks[static_cast<size_t>(order[i])] = rank;
  }
  return ranks;
}

SymbolId SentencePiece::symbol_of(const TextIndex& index, std::string_view text, size_t begin,
                                  size_t end) const {
  const std::string_view part = text.substr(begin, end - begin);
  if (first_character(part).size() == part.size()) {
    return characters_.find(character_key(part))->first;
  }
  return index.find(begin, end);
}

// SentencePiece asks for each pair of neighbours whether their joined text is a token. All pairs
// for which the answer is yes are found here, once: each token cut at each of its characters.
void SentencePiece::build_merges() {
  const std::vector<uint32_t> ranks = score_ranks();
  TextIndex index(vocab());
  merges_.reserve(static_cast<size_t>(vocab().size()) * 3);
  for (TokenId id = 0; id < vocab().size(); ++id) {
    const std::string_view text = vocab().text(id);
    if (text.size() > kLongestMerged || vocab().find(text) != id) continue;
    index.prepare(text);
    for (size_t cut = first_character(text).size(); cut < text.size();
         cut += first_character(text.substr(cut)).size()) {
      const SymbolId left = symbol_of(index, text, 0, cut);
      const SymbolId right = symbol_of(index, text, cut, text.size());
      if (left == kNoSymbol || right == kNoSymbol) continue;
      merges_.add(left, right, {ranks[static_cast<size_t>(id)], static_cast<SymbolId>(id)});
      joints_.set(joint(text[cut - 1], text[cut]));
    }
  }
}

void SentencePiece::build_bytes() {
  for (size_t byte = 0; byte < byte_tokens_.size(); ++byte) {
    const char raw = static_cast<char>(byte);
    auto id = vocab().find(spelling_of_byte(static_cast<uint8_t>(byte)));
    if (!id) id = vocab().find({&raw, 1});
    byte_tokens_[byte] = id.value_or(vocab().special().unk);
  }
}

void SentencePiece::emit(std::string_view text, const std::vector<Symbol>& symbols,
                         std::vector<TokenId>& out) const {
  for (const Symbol& symbol : symbols) {
    if (symbol.id < static_cast<SymbolId>(vocab().size())) {
      out.push_back(static_cast<TokenId>(symbol.id));
      continue;
    }
    for (uint32_t at = symbol.begin; at < symbol.end; ++at) {
      const TokenId id = byte_tokens_[static_cast<uint8_t>(text[at])];
      if (id != kNoToken) out.push_back(id);
    }
  }
}

void SentencePiece::encode_plain(std::string_view text, bool at_start,
                                 std::vector<TokenId>& out) const {
  std::string escaped;
  if (at_start && vocab().special().add_space_prefix) escaped = kSpaceMark;
  escaped += replace_all(text, " ", kSpaceMark);

  const std::string_view whole = escaped;
  Merger merger(merges_);
  std::vector<Symbol> run;
  for (size_t at = 0; at < whole.size();) {
    const std::string_view character = next_character(whole.substr(at));
    if (!run.empty() && !joints_[joint(whole[at - 1], whole[at])]) {
      merger.merge(run);
      emit(whole, run, out);
      run.clear();
    }
    const auto* known = characters_.find(character_key(character));
    const auto begin = static_cast<uint32_t>(at);
    at += character.size();
    run.push_back({known == nullptr ? kNoSymbol : known->first, begin, static_cast<uint32_t>(at)});
  }
  merger.merge(run);
  emit(whole, run, out);
}

}  // namespace

Result<std::shared_ptr<const Tokenizer>> make_sentence_piece(Vocab vocab) {
  return std::make_shared<const SentencePiece>(std::move(vocab));
}

}  // namespace chasqui::text
