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

  Result<Prompt> render(std::span<const Message> messages) const override {
    Prompt prompt;
    for (const Message& message : messages) {
      append(prompt.parts, kStart, true);
      append(prompt.parts, chatml_role(message.role), true);
      append(prompt.parts, "\n", true);
      append(prompt.parts, message.content, false);
      append(prompt.parts, kEnd, true);
      append(prompt.parts, "\n", true);
    }
    append(prompt.parts, kStart, true);
    append(prompt.parts, "assistant\n", true);
    prompt.stops = {std::string(kEnd)};
    return prompt;
  }
};

}  // namespace

std::shared_ptr<const ChatFormat> make_chatml_format(const SpecialTexts&) {
  return std::make_shared<ChatmlFormat>();
}

void append(std::vector<PromptPart>& parts, std::string_view text, bool trusted) {
  if (text.empty()) return;
  if (parts.empty() || parts.back().trusted != trusted) parts.push_back({"", trusted});
  parts.back().text += text;
}

}  // namespace chasqui::chat
