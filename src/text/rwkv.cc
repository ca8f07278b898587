// RWKV's vocabularies ("rwkv"): the longest token that the rest of the text begins with, again and
// again, over bytes. Token texts are written as Python writes bytes: \t, \n, \r, \x00, and \ before
// any other character that it protects.
// Algorithm: the "World" tokenizer of BlinkDL/RWKV-LM.
#include <algorithm>
#include <charconv>

#include "text/internal/token_trie.h"
#include "text/internal/tokenizers.h"

namespace chasqui::text {
namespace {

// The byte of the two hexadecimal digits at `at`, or -1.
int hex_byte(std::string_view text, size_t at) {
  if (at + 2 > text.size()) return -1;
  int byte = -1;
  const char* begin = text.data() + at;
  const auto parsed = std::from_chars(begin, begin + 2, byte, 16);
  return parsed.ec == std::errc() && parsed.ptr == begin + 2 ? byte : -1;
}

// An escape that is none, like \x without digits, stands for the character behind the backslash.
std::string unescape_bytes(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '\\' || at + 1 == text.size()) {
      out.push_back(text[at]);
      continue;
    }
    const char escaped = text[++at];
    const int byte = escaped == 'x' ? hex_byte(text, at + 1) : -1;
    if (byte >= 0) at += 2;
    out.push_back(byte >= 0        ? static_cast<char>(byte)
                  : escaped == 't' ? '\t'
                  : escaped == 'n' ? '\n'
                  : escaped == 'r' ? '\r'
                                   : escaped);
  }
  return out;
}

class Rwkv final : public Tokenizer {
 public:
  explicit Rwkv(Vocab vocab) : Tokenizer(std::move(vocab)) {
    std::vector<std::string> texts;
    texts.reserve(static_cast<size_t>(this->vocab().size()));
    TokenTrie::Entries entries;
    for (TokenId id = 0; id < this->vocab().size(); ++id) {
      // Control tokens count only where encode() has found them.
      if (this->vocab().kind(id) != TokenKind::kNormal) continue;
      entries.emplace_back(texts.emplace_back(unescape_bytes(this->vocab().text(id))), id);
    }
    trie_ = TokenTrie(std::move(entries));
    finish_loading();
  }

 protected:
  void encode_plain(std::string_view text, bool /*at_start*/,
                    std::vector<TokenId>& out) const override {
    while (!text.empty()) {
      const TokenTrie::Match match = trie_.longest(text);
      const TokenId id = match.length > 0 ? match.id : vocab().special().unk;
      if (id != kNoToken) out.push_back(id);
      text.remove_prefix(std::max<size_t>(match.length, 1));
    }
  }

  std::string unescape(std::string_view token_text) const override {
    return unescape_bytes(token_text);
  }

 private:
  TokenTrie trie_;
};

}  // namespace

Result<std::shared_ptr<const Tokenizer>> make_rwkv(Vocab vocab) {
  return std::make_shared<const Rwkv>(std::move(vocab));
}

}  // namespace chasqui::text
