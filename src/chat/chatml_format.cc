// ChatML. Every role stands where the conversation has it, a system message in the middle too.
// Unlike the replaced server's, a conversation without a system message gets no empty system
// block: the published ChatML templates have none, and models are trained on those.
#include "chat/internal/builtin_formats.h"

namespace chasqui::chat {
namespace {

constexpr std::string_view kStart = "<|im_start|>";
constexpr std::string_view kEnd = "<|im_end|>";

// ChatML models know the developer role as system, and the old function role as tool.
std::string_view chatml_role(Role role) {
  if (role == Role::kDeveloper) return role_name(Role::kSystem);
  if (role == Role::kFunction) return role_name(Role::kTool);
  return role_name(role);
}

class ChatmlFormat final : public ChatFormat {
 public:
  std::string_view name() const override { return "chatml"; }

  Result<Prompt> render(const ChatInput& input) const override {
    CHASQUI_TRY_STATUS(check_plain(input, name()));
    Prompt prompt;
    for (const Message& message : input.messages) {
      append(prompt.parts, kStart, true);
      append(prompt.parts, chatml_role(message.role), true);
      append(prompt.parts, "\n", true);
      append(prompt.parts, message.content, false);
      append(prompt.parts, kEnd, true);
      append(prompt.parts, "\n", true);
    }
    if (input.add_generation_prompt) append(prompt.parts, "<|im_start|>assistant\n", true);
    prompt.stops = {std::string(kEnd)};
    return prompt;
  }
};

}  // namespace

ChatFormatPtr make_chatml_format() {
  return std::make_shared<ChatmlFormat>();
}

void append(std::vector<PromptPart>& parts, std::string_view text, bool trusted) {
  if (text.empty()) return;
  if (parts.empty() || parts.back().trusted != trusted) parts.push_back({"", trusted});
  parts.back().text += text;
}

}  // namespace chasqui::chat
