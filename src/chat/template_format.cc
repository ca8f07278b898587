// The model's own chat template. Messages reach it as Hugging Face's apply_chat_template passes
// them: dicts of OpenAI's shape, with the arguments of calls as objects.
#include <utility>

#include "chat/internal/builtin_formats.h"
#include "chat/json_value.h"

namespace chasqui::chat {
namespace {

using jinja::Origin;
using jinja::Value;
using Entries = std::vector<std::pair<Value, Value>>;

// Names and words of ours, and those of a request.
Value ours(std::string_view text) {
  return Value::string(std::string(text), Origin::kTemplate);
}

Value theirs(const std::string& text) {
  return Value::string(text, Origin::kCaller);
}

// Templates walk over the arguments; text that is no object is passed as it is.
Value arguments_value(const std::string& text) {
  const Value parsed = value_from_json_text(text, Origin::kCaller);
  return parsed.is(jinja::Kind::kDict) ? parsed : theirs(text);
}

Value call_value(const ToolCall& call) {
  Entries entries;
  if (!call.id.empty()) entries.emplace_back(ours("id"), theirs(call.id));
  entries.emplace_back(ours("type"), ours("function"));
  entries.emplace_back(ours("function"),
                       Value::dict({{ours("name"), theirs(call.name)},
                                    {ours("arguments"), arguments_value(call.arguments)}}));
  return Value::dict(std::move(entries));
}

// How messages are put for a template.
struct Wording {
  bool null_content = true;  // null stays null; else it becomes ""
  bool developer = true;     // the developer role has its name; else it is called system
};

std::string_view role_of(const Message& message, Wording wording) {
  if (message.role == Role::kDeveloper && !wording.developer) return role_name(Role::kSystem);
  return role_name(message.role);
}

Value message_value(const Message& message, Wording wording) {
  Entries entries = {{ours("role"), ours(role_of(message, wording))}};
  const bool is_null = message.null_content && wording.null_content;
  entries.emplace_back(ours("content"), is_null ? Value::none() : theirs(message.content));
  if (!message.reasoning.empty()) {
    entries.emplace_back(ours("reasoning_content"), theirs(message.reasoning));
  }
  if (!message.name.empty()) entries.emplace_back(ours("name"), theirs(message.name));
  if (!message.tool_call_id.empty()) {
    entries.emplace_back(ours("tool_call_id"), theirs(message.tool_call_id));
  }
  if (!message.tool_calls.empty()) {
    std::vector<Value> calls;
    for (const ToolCall& call : message.tool_calls) calls.push_back(call_value(call));
    entries.emplace_back(ours("tool_calls"), Value::list(std::move(calls)));
  }
  return Value::dict(std::move(entries));
}

std::string sentence(const jinja::TemplateError& error) {
  return "the model's chat template, line " + std::to_string(error.line) + ": " + error.reason;
}

class TemplateFormat final : public ChatFormat {
 public:
  TemplateFormat(jinja::Template compiled, const ModelTexts& model)
      : template_(std::move(compiled)),
        speech_(speech_of(model.chat_template)),
        bos_(ours(model.bos)),
        eos_(ours(model.eos)),
        // OpenAI's newer name for the system role: most templates were written before it.
        knows_developer_(model.chat_template.find("developer") != std::string::npos) {}

  std::string_view name() const override { return "chat_template.default"; }
  Speech speech() const override { return speech_; }

  Result<Prompt> render(const ChatInput& input) const override {
    auto rendered = template_.render(variables(input, {true, knows_developer_}));
    if (!rendered && may_be_about_null(input, rendered.error())) {
      // Many templates look into the content without asking whether there is any.
      rendered = template_.render(variables(input, {false, knows_developer_}));
    }
    if (!rendered) {
      return fail(ErrorCode::kInvalidArgument, sentence(rendered.error()), "messages");
    }
    Prompt prompt;
    rendered->each_run([&](std::string_view text, bool trusted) {
      prompt.parts.push_back({std::string(text), trusted});
    });
    return prompt;
  }

 private:
  static bool may_be_about_null(const ChatInput& input, const jinja::TemplateError& error) {
    using Kind = jinja::TemplateError::Kind;
    if (error.kind != Kind::kType && error.kind != Kind::kUndefined) return false;
    for (const Message& message : input.messages) {
      if (message.null_content) return true;
    }
    return false;
  }

  jinja::Variables variables(const ChatInput& input, Wording wording) const {
    std::vector<Value> messages;
    messages.reserve(input.messages.size());
    for (const Message& message : input.messages) {
      messages.push_back(message_value(message, wording));
    }
    // Later ones win: a request may not replace what the conversation is made of.
    jinja::Variables variables = input.more;
    variables.emplace_back("messages", Value::list(std::move(messages)));
    variables.emplace_back("tools", input.tools);
    variables.emplace_back("documents", input.documents);
    variables.emplace_back("add_generation_prompt", Value::boolean(input.add_generation_prompt));
    variables.emplace_back("bos_token", bos_);
    variables.emplace_back("eos_token", eos_);
    return variables;
  }

  const jinja::Template template_;
  const Speech speech_;
  const Value bos_, eos_;
  const bool knows_developer_;
};

}  // namespace

Result<ChatFormatPtr> make_template_format(const ModelTexts& model) {
  if (model.chat_template.empty()) {
    return fail(ErrorCode::kNotFound,
                "chat_format: the model's file has no template of its own "
                "(tokenizer.chat_template); name a built-in format instead, such as chatml",
                "chat_format");
  }
  auto compiled = jinja::Template::compile(model.chat_template);
  if (!compiled) {
    return fail(ErrorCode::kInvalidArgument, sentence(compiled.error()), "chat_format");
  }
  return std::make_shared<const TemplateFormat>(std::move(*compiled), model);
}

}  // namespace chasqui::chat
