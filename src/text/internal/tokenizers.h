// One maker for each kind of vocabulary; Tokenizer::load chooses. Errors: kUnsupported.
#pragma once

#include <array>
#include <memory>

#include "base/result.h"
#include "text/tokenizer.h"

namespace chasqui::text {

inline constexpr std::string_view kSpaceMark = "\xE2\x96\x81";  // U+2581, stands for a space

Result<std::shared_ptr<const Tokenizer>> make_sentence_piece(Vocab vocab);
Result<std::shared_ptr<const Tokenizer>> make_byte_bpe(Vocab vocab);
Result<std::shared_ptr<const Tokenizer>> make_word_piece(Vocab vocab);
Result<std::shared_ptr<const Tokenizer>> make_unigram(Vocab vocab);
Result<std::shared_ptr<const Tokenizer>> make_rwkv(Vocab vocab);
Result<std::shared_ptr<const Tokenizer>> make_plamo2(Vocab vocab);

// `text` with every `from` replaced. REQUIRES: `from` is not empty.
std::string replace_all(std::string_view text, std::string_view from, std::string_view to);

// The byte of a token spelled "<0x41>", or -1.
int byte_of_spelling(std::string_view spelling);
std::string spelling_of_byte(uint8_t byte);
// By byte: the token spelled "<0x41>", or kNoToken.
std::array<TokenId, 256> byte_tokens(const Vocab& vocab);

}  // namespace chasqui::text
