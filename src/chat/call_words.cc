// What the formats that say tools without a template share.
#include "chat/internal/builtin_formats.h"

namespace chasqui::chat {

Status check_no_documents(const ChatInput& input, std::string_view format) {
  if (input.documents.is(jinja::Kind::kNone)) return {};
  return fail(
      ErrorCode::kUnsupported,
      "documents: the chat format " + std::string(format) +
          " has no way to say documents; a model's own template (chat_template.default) may",
      "documents");
}

bool is_result(const Message& message) {
  return message.role == Role::kTool || message.role == Role::kFunction;
}

std::string function_of(const Message& result, std::span<const Message> messages) {
  if (!result.name.empty()) return result.name;
  for (const Message& message : messages) {
    for (const ToolCall& call : message.tool_calls) {
      if (!call.id.empty() && call.id == result.tool_call_id) return call.name;
    }
  }
  return result.tool_call_id.empty() ? "function" : result.tool_call_id;
}

std::string_view arguments_of(const ToolCall& call) {
  return call.arguments.empty() ? std::string_view("{}") : std::string_view(call.arguments);
}

}  // namespace chasqui::chat
