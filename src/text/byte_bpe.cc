// BPE with merges by rank ("gpt2"): patterns cut the text into words, inside which neighbours
// merge in the order of the merge list. Words are spelled in GPT-2's byte characters, so that any
// bytes have tokens; variants merge plain characters, with U+2581 for spaces (Gemma 4) or without
// any spaces (the Chinese model of Jina's embeddings).
// Algorithm: Sennrich, Haddow and Birch, 2016; byte level: Radford et al., 2019.
#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <unordered_map>

#include "text/internal/byte_map.h"
#include "text/internal/merger.h"
#include "text/internal/pre_tokenizer.h"
#include "text/internal/tokenizers.h"
#include "text/internal/utf8.h"

namespace chasqui::text {
namespace {

// A character of 1 to 4 bytes as a number.
uint64_t character_key(std::string_view character) {
  uint64_t key = character.size();
  for (const char c : character) key = key << 8 | static_cast<uint8_t>(c);
  return key;
}

// Every white space becomes one " "; with `lowercase`, letters their simple lower case.
std::string simplify(std::string_view text, bool lowercase) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    uint32_t c = take_character(text, at);
    if (is_white_space(c)) c = ' ';
    if (lowercase) {
      c = static_cast<uint32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c)));
    }
    append_utf8(c, out);
  }
  return out;
}

class ByteBpe final : public Tokenizer {
 public:
  ByteBpe(Vocab vocab, PreTokenizer splitter, PreTokenizerFlags flags)
      : Tokenizer(std::move(vocab)), splitter_(std::move(splitter)), flags_(flags) {
    build_symbols();
    finish_loading();
  }

 protected:
  void encode_plain(std::string_view text, bool at_start, std::vector<TokenId>& out) const override;
  std::string unescape(std::string_view token_text) const override {
    if (!flags_.raw_characters) return unspell_bytes(token_text);
    return flags_.drops_spaces ? std::string(token_text) : replace_all(token_text, kSpaceMark, " ");
  }

 private:
  struct Scratch {
    Merger merger;
    std::vector<Symbol> symbols;
  };

  void build_symbols();
  std::optional<TokenId> find_whole(std::string_view word) const;
  void spell(std::string_view word, std::vector<Symbol>& symbols) const;
  void encode_word(std::string_view word, Scratch& scratch, std::vector<TokenId>& out) const;

  PreTokenizer splitter_;
  PreTokenizerFlags flags_;
  MergeTable merges_;
  std::array<SymbolId, 256> byte_symbols_{};  // what stands for a byte before any merge
  std::array<TokenId, 256> byte_tokens_{};    // what stands for a byte that nothing else covers
  FlatMap characters_;                        // raw characters only: character_key -> symbol
};

void ByteBpe::build_symbols() {
  // Texts that occur in merges but are no tokens are numbered behind the vocabulary; they take
  // part in merging and are taken apart again if they are left over.
  std::unordered_map<std::string, SymbolId> extra;
  const auto symbol_of = [&](std::string_view text) {
    if (const auto id = vocab().find(text)) return static_cast<SymbolId>(*id);
    const auto next = static_cast<SymbolId>(vocab().size() + static_cast<int64_t>(extra.size()));
    return extra.emplace(std::string(text), next).first->second;
  };
  const auto add_character = [&](std::string_view text, SymbolId symbol) {
    const Utf8Scan scan = scan_utf8(text, 0);
    if (scan.length == text.size()) characters_.insert(character_key(text), {symbol, 0});
  };

  for (size_t byte = 0; byte < byte_symbols_.size(); ++byte) {
    const char raw = static_cast<char>(byte);
    const std::string spelled = spell_bytes({&raw, 1});
    byte_symbols_[byte] = symbol_of(spelled);
    const auto fallback = vocab().find(
        flags_.raw_characters ? spelling_of_byte(static_cast<uint8_t>(byte)) : spelled);
    byte_tokens_[byte] = fallback.value_or(kNoToken);
  }
  merges_.reserve(vocab().merges().size());
  uint32_t rank = 0;
  std::string joined;
  for (const auto& [left, right] : vocab().merges()) {
    joined.assign(left).append(right);
    merges_.add(symbol_of(left), symbol_of(right), {rank++, symbol_of(joined)});
  }
  if (!flags_.raw_characters) return;
  for (TokenId id = 0; id < vocab().size(); ++id) {
    add_character(vocab().text(id), static_cast<SymbolId>(id));
  }
  for (const auto& [text, symbol] : extra) add_character(text, symbol);
}

std::optional<TokenId> ByteBpe::find_whole(std::string_view word) const {
  if (flags_.raw_characters) {
    // Runs of line breaks are tokens that no merge leads to.
    const bool only_breaks = word.find_first_not_of('\n') == std::string_view::npos;
    if (!only_breaks && !flags_.ignore_merges) return std::nullopt;
    return vocab().find(word);
  }
  if (!flags_.ignore_merges || word.size() > vocab().longest_text()) return std::nullopt;
  return vocab().find(spell_bytes(word));
}

void ByteBpe::spell(std::string_view word, std::vector<Symbol>& symbols) const {
  symbols.clear();
  for (size_t at = 0; at < word.size();) {
    const auto begin = static_cast<uint32_t>(at);
    if (!flags_.raw_characters) {
      const SymbolId symbol = byte_symbols_[static_cast<uint8_t>(word[at])];
      symbols.push_back({symbol, begin, begin + 1});
      ++at;
      continue;
    }
    const std::string_view character = word.substr(at, scan_utf8(word, at).length);
    const auto* known = characters_.find(character_key(character));
    at += character.size();
    symbols.push_back(
        {known == nullptr ? kNoSymbol : known->first, begin, static_cast<uint32_t>(at)});
  }
}

void ByteBpe::encode_word(std::string_view word, Scratch& scratch,
                          std::vector<TokenId>& out) const {
  if (const auto whole = find_whole(word)) {
    out.push_back(*whole);
    return;
  }
  spell(word, scratch.symbols);
  scratch.merger.merge(scratch.symbols);
  for (const Symbol& symbol : scratch.symbols) {
    if (symbol.id < static_cast<SymbolId>(vocab().size())) {
      out.push_back(static_cast<TokenId>(symbol.id));
      continue;
    }
    for (uint32_t at = symbol.begin; at < symbol.end; ++at) {
      const TokenId id = byte_tokens_[static_cast<uint8_t>(word[at])];
      if (id != kNoToken) out.push_back(id);
    }
  }
}

void ByteBpe::encode_plain(std::string_view text, bool /*at_start*/,
                           std::vector<TokenId>& out) const {
  LenientText lenient;
  std::string marked;
  if (!is_valid_utf8(text)) {
    lenient = read_leniently(text);
    text = lenient.text;
  }
  const auto prepare = [&](std::string_view from) {
    return flags_.drops_spaces ? simplify(from, vocab().lowercase())
                               : replace_all(from, " ", kSpaceMark);
  };
  if (flags_.raw_characters) {
    marked = prepare(text);
    text = marked;
    lenient.matchable = prepare(lenient.matchable);
  }
  const std::string_view matchable = lenient.matchable.empty() ? text : lenient.matchable;

  Scratch scratch{Merger(merges_), {}};
  size_t begin = 0;
  for (const uint32_t end : splitter_.split(matchable)) {
    if (!flags_.drops_spaces || text[begin] != ' ') {
      encode_word(text.substr(begin, end - begin), scratch, out);
    }
    begin = end;
  }
}

}  // namespace

Result<std::shared_ptr<const Tokenizer>> make_byte_bpe(Vocab vocab) {
  const PreTokenizerRow* row = find_pre_tokenizer(vocab.pre());
  if (row == nullptr) row = &pre_tokenizer_rows().front();  // Vocab::load has warned
  CHASQUI_TRY(PreTokenizer splitter, PreTokenizer::compile(*row));
  return std::make_shared<const ByteBpe>(std::move(vocab), std::move(splitter), row->flags);
}

}  // namespace chasqui::text
