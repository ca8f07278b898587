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

// Calls of earlier turns would be lost by the formats that exist so far; better an error.
Status refuse_calls(const json::object& object, const std::string& path) {
  for (const char* key : {"tool_calls", "function_call"}) {
    const json::value* value = object.if_contains(key);
    if (value == nullptr || value->is_null()) continue;
    if (value->is_array() && value->get_array().empty()) continue;
    const std::string full = fmt::format("{}.{}", path, key);
    return fail(ErrorCode::kUnsupported, full + ": calling functions is not supported yet", full);
  }
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
  } else if (message.role == chat::Role::kUser) {
    return bad_field(path + ".content", "is required");
  }
  CHASQUI_TRY_STATUS(read_text(object, "name", path, message.name));
  CHASQUI_TRY_STATUS(read_text(object, "tool_call_id", path, message.tool_call_id));
  CHASQUI_TRY_STATUS(refuse_calls(object, path));
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
