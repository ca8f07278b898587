// The formats of Functionary's models: functions as TypeScript, and who speaks to whom. They keep
// the shape of the server that chasqui replaces. What differs: tools are told once, results name
// their function instead of the id of the call, all calls of a message are written, and the model
// itself chooses between words and calls, in one generation.
//
//   functionary     system:\n...\nuser:\n</s>...</s>\nassistant to=functions.NAME:\n{...}</s>\n
//   functionary-v1  user:\n...<|END_OF_USER|>\nassistant:\n<|START_OF_FUNCTION_CALL|>NAME:\n{...}
//   functionary-v2  <|from|>assistant\n<|recipient|>NAME\n<|content|>{...}
#include "chat/internal/builtin_formats.h"
#include "chat/internal/typescript.h"

namespace chasqui::chat {
namespace {

// What these models were trained with.
constexpr std::string_view kSystem =
    "A chat between a curious user and an artificial intelligence assistant. The assistant gives "
    "helpful, detailed, and polite answers to the user's questions. The assistant calls functions "
    "with appropriate input when necessary";

// `before` and `after` are ours, `text` is not.
void put(Prompt& prompt, std::string_view before, std::string_view text, std::string_view after) {
  append(prompt.parts, before, true);
  append(prompt.parts, text, false);
  append(prompt.parts, after, true);
}

class Functionary final : public ChatFormat {
 public:
  std::string_view name() const override { return "functionary"; }
  Speech speech() const override { return {find_dialect(name()), {}, true}; }

  Result<Prompt> render(const ChatInput& input) const override {
    CHASQUI_TRY_STATUS(check_no_documents(input, name()));
    Prompt prompt;
    const bool has_tools = !input.functions.empty();
    if (has_tools) put(prompt, "system:\n", typescript_of(input.functions, kMargin), "\n\n");
    put(prompt, "system:\n", kSystem, "\n");
    const CallNames names(input.messages);
    for (const Message& message : input.messages) write(prompt, message, names);
    if (input.add_generation_prompt) {
      append(prompt.parts, has_tools ? "assistant" : "assistant:\n", true);
    }
    // With its line end, unlike the replaced server's: "the user: me" does not end an answer.
    prompt.stops = {"\nuser:\n", "</s>"};
    return prompt;
  }

 private:
  static constexpr size_t kMargin = 2;

  static void write(Prompt& prompt, const Message& message, const CallNames& names) {
    if (is_system(message)) return put(prompt, "system:\n", message.content, "\n");
    if (message.role == Role::kUser) return put(prompt, "user:\n</s>", message.content, "</s>\n");
    if (is_result(message)) {
      put(prompt, "function name=functions.", names.of(message), ":\n");
      return put(prompt, "", message.content, "\n");
    }
    const std::vector<ToolCall>& calls = message.tool_calls;
    if (!message.content.empty() || calls.empty()) {
      put(prompt, "assistant:\n", message.content, "\n");
    }
    for (size_t i = 0; i < calls.size(); ++i) {
      put(prompt, "assistant to=functions.", calls[i].name, ":\n");
      put(prompt, "", arguments_of(calls[i]), i + 1 == calls.size() ? "</s>\n" : "\n");
    }
  }
};

class FunctionaryV1 final : public ChatFormat {
 public:
  std::string_view name() const override { return "functionary-v1"; }
  Speech speech() const override { return {find_dialect(name()), {}, true}; }

  Result<Prompt> render(const ChatInput& input) const override {
    CHASQUI_TRY_STATUS(check_no_documents(input, name()));
    Prompt prompt;
    if (!input.functions.empty()) put_system(prompt, typescript_of(input.functions, 0));
    put_system(prompt, kSystem);
    const CallNames names(input.messages);
    for (const Message& message : input.messages) write(prompt, message, names);
    if (input.add_generation_prompt) append(prompt.parts, "assistant:\n", true);
    prompt.stops = {"<|END_OF_ASSISTANT|>", "<|END_OF_FUNCTION_CALL|>"};
    return prompt;
  }

 private:
  static void put_system(Prompt& prompt, std::string_view text) {
    put(prompt, "system:\n", text, "<|END_OF_SYSTEM|>\n");
  }

  static void write(Prompt& prompt, const Message& message, const CallNames& names) {
    if (is_system(message)) return put_system(prompt, message.content);
    if (message.role == Role::kUser) {
      return put(prompt, "user:\n", message.content, "<|END_OF_USER|>\n");
    }
    if (is_result(message)) {
      put(prompt, "function name=", names.of(message), ":\n");
      return put(prompt, "", message.content, "<|END_OF_FUNCTION_RESULT|>\n");
    }
    const std::vector<ToolCall>& calls = message.tool_calls;
    put(prompt, "assistant:\n", message.content, "");
    if (calls.empty()) return append(prompt.parts, "<|END_OF_ASSISTANT|>\n", true);
    if (!message.content.empty()) append(prompt.parts, "\n", true);
    for (size_t i = 0; i < calls.size(); ++i) {
      put(prompt, "<|START_OF_FUNCTION_CALL|>", calls[i].name, ":\n");
      put(prompt, "", arguments_of(calls[i]),
          i + 1 == calls.size() ? "<|END_OF_FUNCTION_CALL|>\n" : "\n");
    }
  }
};

class FunctionaryV2 final : public ChatFormat {
 public:
  std::string_view name() const override { return "functionary-v2"; }
  Speech speech() const override { return {find_dialect(name()), {}, true}; }

  Result<Prompt> render(const ChatInput& input) const override {
    CHASQUI_TRY_STATUS(check_no_documents(input, name()));
    Prompt prompt;
    const bool has_tools = !input.functions.empty();
    if (has_tools) put_to_all(prompt, "system", typescript_of(input.functions, 0));
    put_to_all(prompt, "system", kSystem);
    const CallNames names(input.messages);
    for (const Message& message : input.messages) write(prompt, message, names);
    if (input.add_generation_prompt) {
      append(prompt.parts, "<|from|>assistant\n<|recipient|>", true);
      if (!has_tools) append(prompt.parts, "all\n<|content|>", true);
    }
    prompt.stops = {"<|stop|>"};
    return prompt;
  }

 private:
  static void put_turn(Prompt& prompt, std::string_view from, std::string_view to,
                       std::string_view text) {
    put(prompt, "<|from|>", from, "\n<|recipient|>");
    put(prompt, "", to, "\n<|content|>");
    append(prompt.parts, text, false);
  }

  static void put_to_all(Prompt& prompt, std::string_view from, std::string_view text) {
    put_turn(prompt, from, "all", text);
    append(prompt.parts, "\n", true);
  }

  static void write(Prompt& prompt, const Message& message, const CallNames& names) {
    if (is_system(message)) return put_to_all(prompt, "system", message.content);
    if (message.role == Role::kUser) return put_to_all(prompt, "user", message.content);
    if (is_result(message)) return put_to_all(prompt, names.of(message), message.content);
    std::string_view between;
    if (!message.content.empty() || message.tool_calls.empty()) {
      put_turn(prompt, "assistant", "all", message.content);
      between = "\n";
    }
    for (const ToolCall& call : message.tool_calls) {
      append(prompt.parts, between, true);
      put_turn(prompt, "assistant", call.name, arguments_of(call));
      between = "\n";
    }
    append(prompt.parts, "<|stop|>\n", true);
  }
};

}  // namespace

ChatFormatPtr make_functionary_format() {
  return std::make_shared<const Functionary>();
}

ChatFormatPtr make_functionary_v1_format() {
  return std::make_shared<const FunctionaryV1>();
}

ChatFormatPtr make_functionary_v2_format() {
  return std::make_shared<const FunctionaryV2>();
}

}  // namespace chasqui::chat
