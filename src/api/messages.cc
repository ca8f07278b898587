// The messages of a chat request: JSON to chat::Message.
#include <fmt/format.h>

#include "api/internal/requests.h"

namespace json = boost::json;

namespace chasqui::api {
namespace {

constexpr const char* kMediaTypes = "image_url|input_image|input_audio|audio_url|video_url|file";

// One element of a content list. Only text has a meaning for the models served so far.
Status add_part(const json::value& part, const std::string& path, std::string& content) {
  if (!part.is_object()) return bad_field(path, "an object {type, ...}", part);
  const json::value* type = part.get_object().if_contains("type");
  if (type == nullptr) return bad_field(path + ".type", "is required");
  const FieldSpec known = {.name = "type", .choices = "text|refusal"};
  const FieldSpec media = {.name = "type", .choices = kMediaTypes};
  if (check_field(media, *type, path)) {
    const std::string_view name = type->get_string();
    return fail(ErrorCode::kUnsupported,
                fmt::format("{}: this model has no vision and no other media input; content of "
                            "type {} cannot be read",
                            path, name),
                path);
  }
  CHASQUI_TRY_STATUS(check_field(known, *type, path + ".type"));
  const std::string_view key = type->get_string();  // the text stands under the type's own name
  const json::value* text = part.get_object().if_contains(key);
  const std::string text_path = fmt::format("{}.{}", path, key);
  if (text == nullptr) return bad_field(text_path, "is required");
  if (!text->is_string()) return bad_field(text_path, "a string", *text);
  content += text->get_string();
  return {};
}

Status read_content(const json::value& value, const std::string& path, std::string& content) {
  if (value.is_null()) return {};
  if (value.is_string()) {
    content = value.get_string();
    return {};
  }
  if (!value.is_array()) return bad_field(path, "a string, null or an array of parts", value);
  const json::array& parts = value.get_array();
  if (parts.size() > Limits::kContentParts) {
    return bad_field(path, fmt::format("must have at most {} parts, but has {}",
                                       Limits::kContentParts, parts.size()));
  }
  for (size_t i = 0; i < parts.size(); ++i) {
    CHASQUI_TRY_STATUS(add_part(parts[i], fmt::format("{}[{}]", path, i), content));
  }
  return {};
}

Status read_text(const json::object& object, std::string_view key, const std::string& path,
                 std::string& out) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || value->is_null()) return {};
  const std::string full = fmt::format("{}.{}", path, key);
  if (!value->is_string()) return bad_field(full, "a string", *value);
  out = value->get_string();
  return {};
}

// A function that was called: {name, arguments}, with the arguments as text.
Status read_function(const json::value* value, const std::string& path, chat::ToolCall& call) {
  if (value == nullptr) return bad_field(path, "is required");
  if (!value->is_object()) return bad_field(path, "an object {name, arguments}", *value);
  const json::object& function = value->get_object();
  CHASQUI_TRY_STATUS(read_text(function, "name", path, call.name));
  if (call.name.empty()) return bad_field(path + ".name", "is required");
  // Some clients send the object itself.
  const json::value* arguments = function.if_contains("arguments");
  if (arguments != nullptr && arguments->is_object()) {
    call.arguments = json::serialize(*arguments);
    return {};
  }
  return read_text(function, "arguments", path, call.arguments);
}

Status read_calls(const json::object& object, const std::string& path, chat::Message& message) {
  const json::value* value = object.if_contains("tool_calls");
  if (value == nullptr || value->is_null()) return {};
  const std::string full = path + ".tool_calls";
  if (!value->is_array()) return bad_field(full, "an array", *value);
  const json::array& calls = value->get_array();
  if (calls.empty()) return {};
  if (message.role != chat::Role::kAssistant) {
    return bad_field(full, "belongs to messages of the assistant only");
  }
  if (calls.size() > Limits::kToolCalls) {
    return bad_field(full, fmt::format("must have at most {} entries, but has {}",
                                       Limits::kToolCalls, calls.size()));
  }
  for (size_t i = 0; i < calls.size(); ++i) {
    const std::string call_path = fmt::format("{}[{}]", full, i);
    if (!calls[i].is_object())
      return bad_field(call_path, "an object {id, type, function}", calls[i]);
    const json::object& item = calls[i].get_object();
    chat::ToolCall call;
    CHASQUI_TRY_STATUS(read_text(item, "id", call_path, call.id));
    CHASQUI_TRY_STATUS(read_function(item.if_contains("function"), call_path + ".function", call));
    message.tool_calls.push_back(std::move(call));
  }
  return {};
}

// The older form of a single call.
Status read_old_call(const json::object& object, const std::string& path, chat::Message& message) {
  const json::value* value = object.if_contains("function_call");
  if (value == nullptr || value->is_null()) return {};
  if (message.role != chat::Role::kAssistant || !message.tool_calls.empty()) {
    return bad_field(path + ".function_call",
                     "belongs to messages of the assistant that have no tool_calls");
  }
  chat::ToolCall call;
  CHASQUI_TRY_STATUS(read_function(value, path + ".function_call", call));
  message.tool_calls.push_back(std::move(call));
  return {};
}

Result<chat::Message> read_message(const json::value& value, const std::string& path) {
  if (!value.is_object()) return bad_field(path, "an object {role, content}", value);
  const json::object& object = value.get_object();
  const json::value* role = object.if_contains("role");
  if (role == nullptr) return bad_field(path + ".role", "is required");
  if (!role->is_string()) return bad_field(path + ".role", "a string", *role);
  const auto known = chat::role_from_name(role->get_string());
  if (!known) return bad_field(path + ".role", "one of " + chat::role_names(), *role);
  chat::Message message;
  message.role = *known;
  if (const json::value* content = object.if_contains("content")) {
    CHASQUI_TRY_STATUS(read_content(*content, path + ".content", message.content));
    message.null_content = content->is_null();
  } else if (message.role == chat::Role::kUser) {
    return bad_field(path + ".content", "is required");
  } else {
    message.null_content = true;
  }
  CHASQUI_TRY_STATUS(read_text(object, "name", path, message.name));
  CHASQUI_TRY_STATUS(read_text(object, "tool_call_id", path, message.tool_call_id));
  CHASQUI_TRY_STATUS(read_text(object, "reasoning_content", path, message.reasoning));
  CHASQUI_TRY_STATUS(read_calls(object, path, message));
  CHASQUI_TRY_STATUS(read_old_call(object, path, message));
  return message;
}

}  // namespace

Result<std::vector<chat::Message>> read_messages(const json::array& array, std::string_view path) {
  if (array.empty()) return bad_field(path, "must have at least one message");
  if (array.size() > Limits::kMessages) {
    return bad_field(path, fmt::format("must have at most {} entries, but has {}",
                                       Limits::kMessages, array.size()));
  }
  std::vector<chat::Message> messages;
  messages.reserve(array.size());
  for (size_t i = 0; i < array.size(); ++i) {
    CHASQUI_TRY(chat::Message message, read_message(array[i], fmt::format("{}[{}]", path, i)));
    messages.push_back(std::move(message));
  }
  return messages;
}

}  // namespace chasqui::api
