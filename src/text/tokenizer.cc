#include "text/tokenizer.h"

#include <fmt/format.h>

#include <charconv>

#include "text/internal/clean_spaces.h"
#include "text/internal/special_matcher.h"
#include "text/internal/tokenizers.h"

namespace chasqui::text {
namespace {

// Positions inside a text are 32-bit numbers in the merging code, also after every byte has
// become a three-byte character; longer texts are encoded in parts.
constexpr size_t kLongestFragment = size_t{1} << 30;

bool is_ascii_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

}  // namespace

std::string replace_all(std::string_view text, std::string_view from, std::string_view to) {
  std::string out;
  out.reserve(text.size());
  size_t begin = 0;
  for (size_t at; (at = text.find(from, begin)) != std::string_view::npos;
       begin = at + from.size()) {
    out.append(text, begin, at - begin).append(to);
  }
  return out.append(text, begin);
}

int byte_of_spelling(std::string_view spelling) {
  if (spelling.size() != 6 || !spelling.starts_with("<0x") || spelling[5] != '>') return -1;
  int byte = -1;
  const char* end = spelling.data() + 5;
  const auto parsed = std::from_chars(spelling.data() + 3, end, byte, 16);
  return parsed.ec == std::errc() && parsed.ptr == end ? byte : -1;
}

std::string spelling_of_byte(uint8_t byte) {
  return fmt::format("<0x{:02X}>", byte);
}

std::array<TokenId, 256> byte_tokens(const Vocab& vocab) {
  std::array<TokenId, 256> tokens{};
  for (size_t byte = 0; byte < tokens.size(); ++byte) {
    tokens[byte] = vocab.find(spelling_of_byte(static_cast<uint8_t>(byte))).value_or(kNoToken);
  }
  return tokens;
}

Result<std::shared_ptr<const Tokenizer>> Tokenizer::load(const gguf::File& file) {
  CHASQUI_TRY(Vocab vocab, Vocab::load(file));
  switch (vocab.kind()) {
    case VocabKind::kSentencePiece:
      return make_sentence_piece(std::move(vocab));
    case VocabKind::kBpe:
      return make_byte_bpe(std::move(vocab));
    case VocabKind::kWordPiece:
      return make_word_piece(std::move(vocab));
    case VocabKind::kUnigram:
      return make_unigram(std::move(vocab));
    case VocabKind::kRwkv:
      return make_rwkv(std::move(vocab));
    case VocabKind::kPlamo2:
      return make_plamo2(std::move(vocab));
  }
  return fail(ErrorCode::kInternal, "a kind of vocabulary without a tokenizer");
}

Tokenizer::Tokenizer(Vocab vocab)
    : vocab_(std::move(vocab)), specials_(std::make_unique<SpecialMatcher>(vocab_)) {}

Tokenizer::~Tokenizer() = default;

void Tokenizer::finish_loading() {
  build_pieces();
  vocab_.special_.newline = find_newline();
}

TokenId Tokenizer::find_newline() const {
  std::vector<TokenId> ids;
  if (vocab_.kind() == VocabKind::kSentencePiece) {
    // Encoded, it would come behind a space.
    if (const auto id = vocab_.find(spelling_of_byte('\n'))) return *id;
    if (const auto id = vocab_.find("\n")) return *id;
  } else if (vocab_.kind() != VocabKind::kWordPiece) {
    encode_plain("\n", true, ids);
  }
  return ids.empty() ? vocab_.special().pad : ids.front();
}

void Tokenizer::build_pieces() {
  pieces_.reserve(static_cast<size_t>(vocab_.size()));
  for (TokenId id = 0; id < vocab_.size(); ++id) {
    const std::string_view text = vocab_.text(id);
    switch (vocab_.kind(id)) {
      case TokenKind::kNormal:
        pieces_.push_back(unescape(text));
        break;
      case TokenKind::kByte: {
        const int byte = byte_of_spelling(text);
        pieces_.push_back(byte < 0 ? std::string(text) : std::string(1, static_cast<char>(byte)));
        break;
      }
      case TokenKind::kUnused:
        pieces_.emplace_back();
        break;
      case TokenKind::kUnknown:
      case TokenKind::kControl:
      case TokenKind::kUserDefined:
        pieces_.emplace_back(text);
        break;
    }
  }
}

void Tokenizer::encode_fragment(std::string_view text, bool at_start,
                                std::vector<TokenId>& out) const {
  while (text.size() > kLongestFragment) {
    size_t cut = kLongestFragment;
    while (cut > kLongestFragment - 4 && (static_cast<uint8_t>(text[cut]) & 0xC0) == 0x80) --cut;
    encode_plain(text.substr(0, cut), at_start, out);
    text.remove_prefix(cut);
    at_start = false;
  }
  if (!text.empty()) encode_plain(text, at_start, out);
}

std::vector<TokenId> Tokenizer::encode(std::string_view text, EncodeOptions options) const {
  const SpecialTokens& special = vocab_.special();
  std::vector<TokenId> out;
  if (options.add_special && special.add_bos) out.push_back(special.bos);

  size_t at = 0;
  bool at_start = true;
  while (at < text.size()) {
    const auto match = specials_->find(text, at, options.parse_special);
    size_t end = match ? match->begin : text.size();
    if (match && vocab_.strips_left(match->id)) {
      while (end > at && is_ascii_space(text[end - 1])) --end;
    }
    if (end > at) {
      encode_fragment(text.substr(at, end - at), at_start, out);
      at_start = false;
    }
    if (!match) break;
    out.push_back(match->id);
    at_start = true;
    at = match->end;
    if (!vocab_.strips_right(match->id)) continue;
    while (at < text.size() && is_ascii_space(text[at])) ++at;
  }

  // BERT ends every text with its separator; the others have an EOS or nothing.
  const bool ends_with_sep = vocab_.kind() == VocabKind::kWordPiece && special.add_sep;
  if (options.add_special && ends_with_sep) out.push_back(special.sep);
  if (options.add_special && special.add_eos && !ends_with_sep) out.push_back(special.eos);
  return out;
}

std::string_view Tokenizer::piece(TokenId id, bool special) const {
  if (id < 0 || id >= vocab_.size()) return {};
  const TokenKind kind = vocab_.kind(id);
  const bool silent = kind == TokenKind::kControl || kind == TokenKind::kUnknown;
  if (silent && !special) return {};
  return pieces_[static_cast<size_t>(id)];
}

std::string Tokenizer::decode(std::span<const TokenId> ids, DecodeOptions options) const {
  const SpecialTokens& special = vocab_.special();
  bool strip_space = strips_leading_space();
  if (options.remove_special && special.add_bos && !ids.empty() && ids.front() == special.bos) {
    ids = ids.subspan(1);
    strip_space = false;
  }
  if (options.remove_special && special.add_eos && !ids.empty() && ids.back() == special.eos) {
    ids = ids.first(ids.size() - 1);
  }
  std::string out;
  for (const TokenId id : ids) {
    std::string_view text = piece(id, options.unparse_special);
    if (strip_space && text.starts_with(' ')) text.remove_prefix(1);
    strip_space = false;
    out += text;
  }
  if (options.clean_spaces && special.clean_spaces) out = clean_spaces(std::move(out));
  return out;
}

}  // namespace chasqui::text
