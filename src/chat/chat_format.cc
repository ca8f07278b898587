#include "chat/chat_format.h"

#include <array>

#include "chat/internal/builtin_formats.h"

namespace chasqui::chat {
namespace {

constexpr std::array<ChatFormatRow, 2> kFormats = {{
    {"chatml", "<|im_start|>role ... <|im_end|>: Qwen, Hermes, Yi and many others",
     make_chatml_format},
    {"llama-2", "[INST] <<SYS>> ... [/INST]: Llama 2 chat models", make_llama2_format},
}};

constexpr std::string_view kChatmlMark = "<|im_start|>";

std::string token_text(const text::Vocab& vocab, text::TokenId id) {
  return id == text::kNoToken ? std::string() : std::string(vocab.text(id));
}

}  // namespace

std::string Prompt::text() const {
  std::string out;
  for (const PromptPart& part : parts) out += part.text;
  return out;
}

SpecialTexts special_texts(const text::Vocab& vocab) {
  return {token_text(vocab, vocab.special().bos), token_text(vocab, vocab.special().eos)};
}

std::span<const ChatFormatRow> chat_formats() {
  return kFormats;
}

Result<std::shared_ptr<const ChatFormat>> make_chat_format(std::string_view name,
                                                           const SpecialTexts& special) {
  std::string known;
  for (const ChatFormatRow& row : kFormats) {
    if (row.name == name) return row.make(special);
    if (!known.empty()) known += ", ";
    known += row.name;
  }
  return fail(ErrorCode::kNotFound,
              "chat_format: there is no format \"" + std::string(name) + "\"; known are " + known,
              "chat_format");
}

std::string_view default_chat_format(std::string_view chat_template, const text::Vocab& vocab) {
  const bool speaks_chatml = chat_template.find(kChatmlMark) != std::string_view::npos ||
                             vocab.find(kChatmlMark).has_value();
  return speaks_chatml ? "chatml" : "llama-2";
}

}  // namespace chasqui::chat
