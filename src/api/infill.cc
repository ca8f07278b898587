#include "api/internal/infill.h"

#include <algorithm>
#include <array>

#include "text/vocab.h"

namespace chasqui::api {
namespace {

// SentencePiece writes a space before every text that it encodes, which code after a gap does not
// have. Behind a character that merges with nothing there is none.
std::vector<int32_t> encode_suffix(const text::Tokenizer& tokenizer, const std::string& suffix) {
  constexpr text::EncodeOptions kPlain = {.add_special = false, .parse_special = false};
  if (!tokenizer.vocab().special().add_space_prefix) return tokenizer.encode(suffix, kPlain);
  const std::string guard = "\u263A";
  const auto dropped = static_cast<ptrdiff_t>(tokenizer.encode(guard, kPlain).size());
  const std::vector<int32_t> ids = tokenizer.encode(guard + suffix, kPlain);
  return {ids.begin() + std::min(dropped, std::ssize(ids)), ids.end()};
}

}  // namespace

bool can_infill(const text::Vocab& vocab) {
  const text::SpecialTokens& special = vocab.special();
  return special.fim_prefix != text::kNoToken && special.fim_suffix != text::kNoToken &&
         special.fim_middle != text::kNoToken;
}

std::vector<int32_t> infill_prompt(const ModelContext& context, const Input& prompt,
                                   const std::string& suffix) {
  const text::Tokenizer& tokenizer = *context.model().tokenizer;
  const text::SpecialTokens& special = tokenizer.vocab().special();
  const std::array<chat::PromptPart, 2> parts = {
      {{std::string(tokenizer.vocab().text(special.fim_prefix)), true}, {prompt.text, true}}};
  std::vector<int32_t> ids = context.encoder().encode(parts);
  const auto append = [&ids](const auto& more) { ids.insert(ids.end(), more.begin(), more.end()); };
  append(prompt.tokens);  // none where the prompt is text
  ids.push_back(special.fim_suffix);
  append(encode_suffix(tokenizer, suffix));
  ids.push_back(special.fim_middle);
  return ids;
}

}  // namespace chasqui::api
