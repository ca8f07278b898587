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

class Llama2Format final : public ChatFormat {
 public:
  explicit Llama2Format(const ModelTexts& model) : bos_(model.bos), eos_(model.eos) {}

  std::string_view name() const override { return "llama-2"; }

  Result<Prompt> render(const ChatInput& input) const override {
    CHASQUI_TRY_STATUS(check_plain(input, name()));
    Prompt prompt;
    const std::string system = joined_system(input.messages);
    if (!system.empty()) {
      append(prompt.parts, "[INST] <<SYS>>\n", true);
      append(prompt.parts, system, false);
      append(prompt.parts, "\n<</SYS>> ", true);
    }
    // The system block opens the first user turn; an assistant that speaks first closes it.
    bool open = !system.empty();
    bool first = true;
    for (const Message& message : input.messages) {
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
    if (input.add_generation_prompt) append(prompt.parts, "[/INST]", true);
    return prompt;
  }

 private:
  void add_question(Prompt& prompt, const Message& message, bool open, bool first) const {
    if (open) {
      append(prompt.parts, message.content, false);
      append(prompt.parts, " ", true);
      return;
    }
    if (!first) append(prompt.parts, bos_, true);
    append(prompt.parts, "[INST]", true);
    append(prompt.parts, message.content, false);
    append(prompt.parts, "  ", true);
  }

  void add_answer(Prompt& prompt, const Message& message) const {
    append(prompt.parts, "[/INST]", true);
    append(prompt.parts, message.content, false);
    append(prompt.parts, " ", true);
    append(prompt.parts, eos_, true);
  }

  const std::string bos_, eos_;
};

}  // namespace

ChatFormatPtr make_llama2_format(const ModelTexts& model) {
  return std::make_shared<Llama2Format>(model);
}

}  // namespace chasqui::chat
