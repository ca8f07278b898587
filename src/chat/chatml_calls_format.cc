// ChatML for models that were not trained to call: each answer says first what it is, a message
// ("message:") or a call ("functions.NAME:"). Without tools it is plain ChatML. The words are those
// of the server that chasqui replaces. What differs: tools are told also where there is no system
// message, and once; the description of a function stands in its schema; results, several calls
// and words beside calls are written whole.
#include "chat/internal/builtin_formats.h"

namespace json = boost::json;

namespace chasqui::chat {
namespace {

constexpr std::string_view kHowToAnswer =
    "\n\nYou can respond to users messages with either a single message or one or more function "
    "calls."
    "\n\nTo respond with a message begin the message with 'message:', use the following format:"
    "\n\nmessage:\n<message>"
    "\n\nTo respond with one or more function calls begin the message with "
    "'functions.<function_name>:', use the following format:"
    "\n\nfunctions.<function_name>:\n{ \"arg1\": \"value1\", \"arg2\": \"value2\" }"
    "\nfunctions.<function_name>:\n{ \"arg1\": \"value1\", \"arg2\": \"value2\" }";

std::string instructions(std::span<const Tool> tools) {
  std::string text = "You have access to the following functions:\n";
  for (const Tool& tool : tools) {
    json::object schema = tool.parameters;
    if (!tool.description.empty()) schema.emplace("description", tool.description);
    text += "\nfunctions." + tool.name + ":\n" + json::serialize(schema) + "\n";
  }
  text += kHowToAnswer;
  return text;
}

std::string calls_text(std::span<const ToolCall> calls) {
  std::string text;
  for (const ToolCall& call : calls) {
    if (!text.empty()) text += "\n";
    text += "functions." + call.name + ":\n";
    text += arguments_of(call);
  }
  return text;
}

class ChatmlCalls final : public ChatFormat {
 public:
  std::string_view name() const override { return "chatml-function-calling"; }
  Speech speech() const override { return {find_dialect(name()), {}, true}; }

  Result<Prompt> render(const ChatInput& input) const override {
    CHASQUI_TRY_STATUS(check_no_documents(input, name()));
    Prompt prompt;
    std::span<const Message> rest = input.messages;
    if (!input.functions.empty()) {
      std::string system;
      if (is_system(rest.front())) {
        system = rest.front().content + "\n\n";
        rest = rest.subspan(1);
      }
      put_turn(prompt, Role::kSystem, system + instructions(input.functions));
    }
    const CallNames names(input.messages);
    const bool has_tools = !input.functions.empty();
    for (const Message& message : rest) write(prompt, message, has_tools, names);
    if (input.add_generation_prompt) append(prompt.parts, "<|im_start|>assistant\n", true);
    prompt.stops = {"<|im_end|>"};
    return prompt;
  }

 private:
  static void put_turn(Prompt& prompt, Role role, std::string_view text) {
    append(prompt.parts, "<|im_start|>", true);
    append(prompt.parts, role_name(role), true);
    append(prompt.parts, "\n", true);
    append(prompt.parts, text, false);
    append(prompt.parts, "<|im_end|>\n", true);
  }

  static void write(Prompt& prompt, const Message& message, bool has_tools,
                    const CallNames& names) {
    if (is_system(message)) return put_turn(prompt, Role::kSystem, message.content);
    if (message.role == Role::kUser) return put_turn(prompt, Role::kUser, message.content);
    if (is_result(message)) {
      const std::string of = "functions." + std::string(names.of(message)) + ":\n";
      return put_turn(prompt, Role::kTool, of + message.content);
    }
    // An answer is words or calls; what was both becomes two.
    if (!message.content.empty() || message.tool_calls.empty()) {
      const std::string lead = has_tools ? "message:\n" : "";
      put_turn(prompt, Role::kAssistant, lead + message.content);
    }
    if (message.tool_calls.empty()) return;
    put_turn(prompt, Role::kAssistant, calls_text(message.tool_calls));
  }
};

}  // namespace

ChatFormatPtr make_chatml_calls_format() {
  return std::make_shared<const ChatmlCalls>();
}

}  // namespace chasqui::chat
