// house-numbers: table
// The formats that write one turn after another, one row each. They keep the shape of the server
// that chasqui replaces, its spaces and newlines included, so that a prompt keeps its tokens. What
// differs: the system's words are always written, and where they belong; no system message, no
// empty system block; tool and function messages are turns of the user instead of lost.
#include <algorithm>

#include "chat/internal/builtin_formats.h"

namespace chasqui::chat {
namespace {

constexpr std::string_view kVicunaSystem =
    "A chat between a curious user and an artificial intelligence assistant. The assistant gives "
    "helpful, detailed, and polite answers to the user's questions.";

constexpr std::string_view kSnoozySystem =
    "The prompt below is a question to answer, a task to complete, or a conversation to respond "
    "to; decide which and write an appropriate response.";

// The first sentences of what these models were trained with; the rest is about their makers.
constexpr std::string_view kOpenBuddySystem =
    "You are a helpful, respectful and honest INTP-T AI Assistant named Buddy. You are talking to "
    "a human User.\nAlways answer as helpfully and logically as possible, while being safe.";
constexpr std::string_view kOrcaSystem =
    "You are a helpful assistant. Please answer truthfully and write out your thinking step by "
    "step to be sure you get the right answer.";

constexpr TurnStyle kStyles[] = {
    {.name = "llama-3",
     .system_place = SystemPlace::kInPlace,
     .system = {"<|start_header_id|>system<|end_header_id|>\n\n", "<|eot_id|>"},
     .user = {"<|start_header_id|>user<|end_header_id|>\n\n", "<|eot_id|>"},
     .assistant = {"<|start_header_id|>assistant<|end_header_id|>\n\n", "<|eot_id|>"},
     .ask = "<|start_header_id|>assistant<|end_header_id|>\n\n",
     .stop = "<|eot_id|>"},
    {.name = "gemma",
     .system_place = SystemPlace::kFirstUser,
     .system = {"", "\n\n"},
     .user = {"<start_of_turn>user\n", "<end_of_turn>\n"},
     .assistant = {"<start_of_turn>model\n", "<end_of_turn>\n"},
     .ask = "<start_of_turn>model\n",
     .stop = "<end_of_turn>"},
    {.name = "qwen",
     .system = {"<|im_start|>system\n", "<|im_end|>\n"},
     .system_default = "You are a helpful assistant.",
     .user = {"<|im_start|>user\n", "<|im_end|>\n"},
     .assistant = {"<|im_start|>assistant\n", "<|im_end|>\n"},
     .ask = "<|im_start|>assistant\n",
     .stop = "<|endoftext|>"},
    {.name = "mistral-instruct",
     .system_place = SystemPlace::kFirstUser,
     .system = {"", "\n\n"},
     .user = {"[INST] ", ""},
     .assistant = {" [/INST]", "</s>"},
     .ask = " [/INST]",
     .stop = "</s>"},
    {.name = "vicuna",
     .system = {"", " "},
     .system_default = kVicunaSystem,
     .user = {"USER: ", " "},
     .assistant = {"ASSISTANT: ", "</s>"},
     .ask = "ASSISTANT:",
     .stop = ""},
    {.name = "alpaca",
     .system = {"", "\n\n"},
     .user = {"### Instruction: ", "\n\n"},
     .assistant = {"### Response: ", "</s>"},
     .ask = "### Response:",
     .stop = ""},
    {.name = "zephyr",
     .system = {"<|system|>\n", "</s>\n"},
     .user = {"<|user|>\n\n", "</s>\n"},
     .assistant = {"<|assistant|>\n\n", "</s>\n"},
     .ask = "<|assistant|>\n\n",
     .stop = "</s>"},
    {.name = "openchat",
     .system = {"", "<|end_of_turn|><|end_of_turn|>\n"},
     .user = {"GPT4 Correct User: \n", "<|end_of_turn|>\n"},
     .assistant = {"<|end_of_turn|>GPT4 Correct Assistant: \n", "<|end_of_turn|>\n"},
     .ask = "<|end_of_turn|>GPT4 Correct Assistant: \n",
     .stop = "<|end_of_turn|>"},
    {.name = "open-orca",
     .system = {"", "<|end_of_turn|>\n"},
     .system_default = kOrcaSystem,
     .user = {"User: ", "<|end_of_turn|>\n"},
     .assistant = {"Assistant: ", "<|end_of_turn|>\n"},
     .ask = "Assistant: ",
     .stop = "User"},
    {.name = "mistrallite",
     .system = {"<|system|>", "</s>"},
     .user = {"<|prompter|>", " "},
     .assistant = {"</s>\n<|assistant|>", " "},
     .ask = "</s>\n<|assistant|>",
     .stop = ""},
    {.name = "oasst_llama",
     .system = {"[INST] <<SYS>>\n", "\n<</SYS>>\n\n"},
     .user = {"<|prompter|>", "</s>"},
     .assistant = {"<|assistant|>", "</s>"},
     .ask = "<|assistant|>",
     .stop = ""},
    {.name = "baichuan-2",
     .system = {"", ""},
     .user = {"<reserved_106>", ""},
     .assistant = {"<reserved_107>", ""},
     .ask = "<reserved_107>",
     .stop = ""},
    {.name = "baichuan",
     .system = {"", ""},
     .user = {"<reserved_102>", ""},
     .assistant = {"<reserved_103>", ""},
     .ask = "<reserved_103>",
     .stop = ""},
    {.name = "openbuddy",
     .system = {"", "\n"},
     .system_default = kOpenBuddySystem,
     .user = {"User: ", "\n"},
     .assistant = {"Assistant: ", "\n"},
     .ask = "Assistant:",
     .stop = ""},
    {.name = "redpajama-incite",
     .system = {"", "\n"},
     .user = {"<human>: ", "\n"},
     .assistant = {"<bot>: ", "\n"},
     .ask = "<bot>:",
     .stop = "<human>"},
    {.name = "snoozy",
     .system = {"### Instruction:\n", "\n"},
     .system_default = kSnoozySystem,
     .user = {"### Prompt: ", "\n"},
     .assistant = {"### Response: ", "\n"},
     .ask = "### Response:",
     .stop = "###"},
    {.name = "phind",
     .system = {"### System Prompt\n", "\n\n"},
     .system_default = "You are an intelligent programming assistant.",
     .user = {"### User Message: ", "\n\n"},
     .assistant = {"### Assistant: ", "\n\n"},
     .ask = "### Assistant:",
     .stop = ""},
    {.name = "intel",
     .system = {"### System:\n", "\n"},
     .user = {"### User:: ", "\n"},
     .assistant = {"### Assistant:: ", "\n"},
     .ask = "### Assistant::",
     .stop = ""},
    {.name = "pygmalion",
     .system = {"<|system|>", "\n\n"},
     .user = {"<|user|>\n", "\n\n"},
     .assistant = {"<|model|>\n", "\n\n"},
     .ask = "<|model|>\n",
     .stop = "\n"},
    {.name = "chatglm3",
     .system = {"<|system|>\n", ""},
     .user = {"<|user|>\n ", ""},
     .assistant = {"<|assistant|>\n ", ""},
     .ask = "<|assistant|>",
     .stop = "</s>"},
    {.name = "saiga",
     .system_place = SystemPlace::kInPlace,
     .system = {"<s>system\n", "</s>"},
     .user = {"<s>user\n", "</s>"},
     .assistant = {"<s>bot\n", "</s>"},
     .ask = "<s>bot",
     .stop = ""},
};

class TurnFormat final : public ChatFormat {
 public:
  explicit TurnFormat(const TurnStyle& style) : style_(style) {}

  std::string_view name() const override { return style_.name; }

  Result<Prompt> render(const ChatInput& input) const override {
    CHASQUI_TRY_STATUS(check_plain(input, name()));
    Prompt prompt;
    const bool in_place = style_.system_place == SystemPlace::kInPlace;
    std::string system = in_place ? std::string() : joined_system(input.messages);
    // The default is words of ours, but they have no markers to trust.
    if (system.empty()) system = style_.system_default;
    if (style_.system_place == SystemPlace::kFront) write_system(prompt, system);
    for (const Message& message : input.messages) {
      if (is_system(message) && !in_place) continue;
      write_message(prompt, message, system);
    }
    if (input.add_generation_prompt) append(prompt.parts, style_.ask, true);
    if (!style_.stop.empty()) prompt.stops = {std::string(style_.stop)};
    return prompt;
  }

 private:
  void write_system(Prompt& prompt, std::string& system) const {
    if (system.empty()) return;
    append(prompt.parts, style_.system.before, true);
    append(prompt.parts, system, false);
    append(prompt.parts, style_.system.after, true);
    system.clear();
  }

  // `system`: words that still wait for the user's first turn.
  void write_message(Prompt& prompt, const Message& message, std::string& system) const {
    const bool answers = message.role == Role::kAssistant;
    const Turn& turn =
        is_system(message) ? style_.system : (answers ? style_.assistant : style_.user);
    append(prompt.parts, turn.before, true);
    if (!answers) write_system(prompt, system);
    append(prompt.parts, message.content, false);
    append(prompt.parts, turn.after, true);
  }

  const TurnStyle& style_;
};

}  // namespace

ChatFormatPtr make_turn_format(std::string_view name) {
  const auto* style = std::ranges::find(kStyles, name, &TurnStyle::name);
  return std::make_shared<TurnFormat>(*style);
}

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

Status check_plain(const ChatInput& input, std::string_view format) {
  const auto refuse = [&](std::string_view what, std::string param) {
    return fail(ErrorCode::kUnsupported,
                param + ": the chat format " + std::string(format) + " has no way to say " +
                    std::string(what) + "; a model's own template (chat_template.default) may",
                param);
  };
  if (!input.tools.is(jinja::Kind::kNone)) return refuse("tools", "tools");
  if (!input.documents.is(jinja::Kind::kNone)) return refuse("documents", "documents");
  for (size_t i = 0; i < input.messages.size(); ++i) {
    if (input.messages[i].tool_calls.empty()) continue;
    return refuse("calls of tools", "messages[" + std::to_string(i) + "].tool_calls");
  }
  return {};
}

}  // namespace chasqui::chat
