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

CallNames::CallNames(std::span<const Message> messages) {
  for (const Message& message : messages) {
    for (const ToolCall& call : message.tool_calls) {
      if (!call.id.empty()) by_id_.emplace(call.id, call.name);
    }
  }
}

std::string_view CallNames::of(const Message& result) const {
  if (!result.name.empty()) return result.name;
  const auto call = by_id_.find(result.tool_call_id);
  if (call != by_id_.end()) return call->second;
  return result.tool_call_id.empty() ? std::string_view("function") : result.tool_call_id;
}

std::string_view arguments_of(const ToolCall& call) {
  return call.arguments.empty() ? std::string_view("{}") : std::string_view(call.arguments);
}

}  // namespace chasqui::chat
