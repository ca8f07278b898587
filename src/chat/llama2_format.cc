// The format of Llama 2 chat models, with the spaces of the server that chasqui replaces, so that
// a prompt keeps its tokens:
//
//   <s>[INST] <<SYS>>\nSYSTEM\n<</SYS>> USER [/INST]ANSWER </s><s>[INST]USER  [/INST]
//
// What differs from it: the first <s> is the model's own BOS, added once by PromptEncoder, where
// the old server had it twice; all system messages count, not only the first; turns are told by
// their role, not by counting; tool and function messages are turns of the user instead of lost.
#include "chat/internal/builtin_formats.h"

namespace chasqui::chat {
namespace {

bool is_system(const Message& message) {
  return message.role == Role::kSystem || message.role == Role::kDeveloper;
}

std::string joined_system(std::span<const Message> messages) {
  std::string out;
  for (const Message& message : messages) {
    if (!is_system(message) || message.content.empty()) continue;
    if (!out.empty()) out += "\n\n";
    out += message.content;
  }
  return out;
}

class Llama2Format final : public ChatFormat {
 public:
  explicit Llama2Format(SpecialTexts special) : special_(std::move(special)) {}

  std::string_view name() const override { return "llama-2"; }

  Result<Prompt> render(std::span<const Message> messages) const override {
    Prompt prompt;
    const std::string system = joined_system(messages);
    if (!system.empty()) {
      append(prompt.parts, "[INST] <<SYS>>\n", true);
      append(prompt.parts, system, false);
      append(prompt.parts, "\n<</SYS>> ", true);
    }
    // The system block opens the first user turn; an assistant that speaks first closes it.
    bool open = !system.empty();
    bool first = true;
    for (const Message& message : messages) {
      if (is_system(message)) continue;
      if (message.role == Role::kAssistant) {
        add_answer(prompt, message);
        open = false;
      } else {
        add_question(prompt, message, open, first);
        open = false;
      }
      first = false;
    }
    append(prompt.parts, "[/INST]", true);
    return prompt;
  }

 private:
  void add_question(Prompt& prompt, const Message& message, bool open, bool first) const {
    if (open) {
      append(prompt.parts, message.content, false);
      append(prompt.parts, " ", true);
      return;
    }
    if (!first) append(prompt.parts, special_.bos, true);
    append(prompt.parts, "[INST]", true);
    append(prompt.parts, message.content, false);
    append(prompt.parts, "  ", true);
  }

  void add_answer(Prompt& prompt, const Message& message) const {
    append(prompt.parts, "[/INST]", true);
    append(prompt.parts, message.content, false);
    append(prompt.parts, " ", true);
    append(prompt.parts, special_.eos, true);
  }

  const SpecialTexts special_;
};

}  // namespace

std::shared_ptr<const ChatFormat> make_llama2_format(const SpecialTexts& special) {
  return std::make_shared<Llama2Format>(special);
}

}  // namespace chasqui::chat
