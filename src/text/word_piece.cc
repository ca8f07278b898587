// WordPiece ("bert"): text is normalised and cut into words at spaces and punctuation, and each
// word is covered by the longest tokens from its start; a word that cannot be covered becomes one
// unknown token. Lossy: case, accents and white space are gone.
// Algorithm: Devlin et al., "BERT", 2019 (its BasicTokenizer and WordpieceTokenizer). Token texts
// are as converters write them: U+2581 marks the start of a word instead of "##" its inside.
#include <utf8proc.h>

#include "text/internal/token_trie.h"
#include "text/internal/tokenizers.h"
#include "text/internal/utf8.h"

namespace chasqui::text {
namespace {

// What the normaliser needs to know of a character.
enum class CharacterClass { kLetter, kSpace, kIgnored, kMark, kAlone };

// The ranges of BERT's published code: CJK ideographs are words of their own.
bool is_cjk(uint32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) ||
         (c >= 0x20000 && c <= 0x2A6DF) || (c >= 0x2A700 && c <= 0x2B81F) ||
         (c >= 0x2B920 && c <= 0x2CEAF) || (c >= 0xF900 && c <= 0xFAFF) ||
         (c >= 0x2F800 && c <= 0x2FA1F);
}

CharacterClass classify(uint32_t c) {
  if (is_white_space(c)) return CharacterClass::kSpace;
  if (c == 0 || c == 0xFFFD) return CharacterClass::kIgnored;
  if (is_cjk(c)) return CharacterClass::kAlone;
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(c))) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
      return CharacterClass::kIgnored;
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
      return CharacterClass::kMark;
    case UTF8PROC_CATEGORY_PC:
    case UTF8PROC_CATEGORY_PD:
    case UTF8PROC_CATEGORY_PS:
    case UTF8PROC_CATEGORY_PE:
    case UTF8PROC_CATEGORY_PI:
    case UTF8PROC_CATEGORY_PF:
    case UTF8PROC_CATEGORY_PO:
      return CharacterClass::kAlone;
    case UTF8PROC_CATEGORY_SM:
    case UTF8PROC_CATEGORY_SC:
    case UTF8PROC_CATEGORY_SK:
    case UTF8PROC_CATEGORY_SO:
      // BERT counts ASCII symbols as punctuation.
      return c < 0x7F ? CharacterClass::kAlone : CharacterClass::kLetter;
    default:
      return CharacterClass::kLetter;
  }
}

// The first character of the canonical decomposition. (The reference keeps no more of it, which
// for Hangul loses all but the first consonant; embeddings must agree with it, so we do too.)
uint32_t base_character(uint32_t c) {
  constexpr utf8proc_ssize_t kLongest = 8;  // canonical decompositions have at most 4
  utf8proc_int32_t parts[kLongest];
  const auto count = utf8proc_decompose_char(static_cast<utf8proc_int32_t>(c), parts, kLongest,
                                             UTF8PROC_DECOMPOSE, nullptr);
  return count > 0 && count <= kLongest ? static_cast<uint32_t>(parts[0]) : c;
}

class WordPiece final : public Tokenizer {
 public:
  explicit WordPiece(Vocab vocab) : Tokenizer(std::move(vocab)) {
    TokenTrie::Entries entries;
    for (TokenId id = 0; id < this->vocab().size(); ++id) {
      entries.emplace_back(this->vocab().text(id), id);
    }
    trie_ = TokenTrie(std::move(entries));
    finish_loading();
  }

 protected:
  void encode_plain(std::string_view text, bool at_start, std::vector<TokenId>& out) const override;
  std::string unescape(std::string_view token_text) const override {
    return replace_all(token_text, kSpaceMark, " ");
  }

 private:
  void encode_word(std::string& word, std::vector<TokenId>& out) const;

  TokenTrie trie_;  // of all texts. Time for a word is O(length x longest text)
};

// Takes `word` and leaves it empty.
void WordPiece::encode_word(std::string& word, std::vector<TokenId>& out) const {
  if (word.empty()) return;
  const std::string marked = std::string(kSpaceMark) + word;
  word.clear();
  const size_t before = out.size();
  for (size_t at = 0; at < marked.size();) {
    const TokenTrie::Match match = trie_.longest(std::string_view(marked).substr(at));
    if (match.length == 0) {
      out.resize(before);
      if (vocab().special().unk != kNoToken) out.push_back(vocab().special().unk);
      return;
    }
    out.push_back(match.id);
    at += match.length;
  }
}

void WordPiece::encode_plain(std::string_view text, bool /*at_start*/,
                             std::vector<TokenId>& out) const {
  const LenientText lenient = is_valid_utf8(text) ? LenientText{} : read_leniently(text);
  if (!lenient.text.empty()) text = lenient.text;
  std::string word;
  for (size_t at = 0; at < text.size();) {
    uint32_t c = take_character(text, at);
    if (vocab().strip_accents()) c = base_character(c);
    const CharacterClass kind = classify(c);
    if (kind == CharacterClass::kIgnored) continue;
    if (kind == CharacterClass::kMark && vocab().strip_accents()) continue;
    if (kind == CharacterClass::kSpace) {
      encode_word(word, out);
      continue;
    }
    if (kind == CharacterClass::kAlone) encode_word(word, out);
    if (vocab().lowercase()) {
      c = static_cast<uint32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c)));
    }
    append_utf8(c, word);
    if (kind == CharacterClass::kAlone) encode_word(word, out);
  }
  encode_word(word, out);
}

}  // namespace

Result<std::shared_ptr<const Tokenizer>> make_word_piece(Vocab vocab) {
  return std::make_shared<const WordPiece>(std::move(vocab));
}

}  // namespace chasqui::text
