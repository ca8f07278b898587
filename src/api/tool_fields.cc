// tools, tool_choice and their older twins functions and function_call.
#include <fmt/format.h>

#include <algorithm>

#include "api/internal/field.h"
#include "api/internal/requests.h"
#include "api/internal/tools.h"

namespace json = boost::json;

namespace chasqui::api {
namespace {

bool is_tool_name(std::string_view name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  };
  return !name.empty() && name.size() <= Limits::kToolNameBytes && std::ranges::all_of(name, fits);
}

// The member, or null where it is absent or null; refused where `is_right` does not hold.
Result<const json::value*> member(const json::object& object, std::string_view key,
                                  const std::string& path, bool (*is_right)(const json::value&),
                                  std::string_view allowed) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || value->is_null()) return nullptr;
  if (!is_right(*value)) return bad_field(fmt::format("{}.{}", path, key), allowed, *value);
  return value;
}

bool is_text(const json::value& value) {
  return value.is_string();
}

Result<std::string> read_name(const json::object& object, const std::string& path) {
  CHASQUI_TRY(const json::value* const name, member(object, "name", path, is_text, "a string"));
  const std::string name_path = path + ".name";
  if (name == nullptr) return bad_field(name_path, "is required");
  const std::string_view text = name->get_string();
  if (is_tool_name(text)) return std::string(text);
  return bad_field(name_path,
                   fmt::format("letters, digits, _ and -, 1 to {} of them", Limits::kToolNameBytes),
                   *name);
}

// {name, description?, parameters?, strict?}
Result<chat::Tool> read_function(const json::value& value, const std::string& path) {
  if (!value.is_object()) return bad_field(path, "an object {name, ...}", value);
  const json::object& object = value.get_object();
  chat::Tool tool;
  CHASQUI_TRY(tool.name, read_name(object, path));
  CHASQUI_TRY(const json::value* const description,
              member(object, "description", path, is_text, "a string"));
  if (description != nullptr) tool.description = description->get_string();
  CHASQUI_TRY(const json::value* const parameters,
              member(
                  object, "parameters", path,
                  [](const json::value& each) { return each.is_object(); }, "a JSON schema"));
  // A function without parameters is called with an empty object.
  tool.parameters = parameters != nullptr ? parameters->get_object()
                                          : json::object{{"type", "object"},
                                                         {"properties", json::object()},
                                                         {"additionalProperties", false}};
  CHASQUI_TRY(const json::value* const strict,
              member(
                  object, "strict", path, [](const json::value& each) { return each.is_bool(); },
                  "true or false"));
  tool.strict = strict != nullptr && strict->get_bool();
  return tool;
}

// {"type": "function", "function": {...}}; returns the inner object.
Result<const json::value*> read_wrapper(const json::value& value, const std::string& path) {
  if (!value.is_object()) return bad_field(path, "an object {type, function}", value);
  const json::object& object = value.get_object();
  const FieldSpec spec = {.name = "type", .choices = "function"};
  const std::string type_path = path + ".type";
  const json::value* type = object.if_contains("type");
  if (type == nullptr) return bad_field(type_path, "is required");
  CHASQUI_TRY_STATUS(check_field(spec, *type, type_path));
  const json::value* function = object.if_contains("function");
  if (function == nullptr) return bad_field(path + ".function", "is required");
  return function;
}

Result<chat::Tools> read_list(const json::array& list, const std::string& path, bool old_style) {
  if (list.size() > Limits::kTools) {
    return bad_field(
        path, fmt::format("must have at most {} entries, but has {}", Limits::kTools, list.size()));
  }
  chat::Tools tools;
  for (const json::value& value : list) {
    std::string place = fmt::format("{}[{}]", path, tools.size());
    const json::value* function = &value;
    if (!old_style) {
      CHASQUI_TRY(function, read_wrapper(value, place));
      place += ".function";
    }
    CHASQUI_TRY(chat::Tool tool, read_function(*function, place));
    if (std::ranges::find(tools, tool.name, &chat::Tool::name) != tools.end()) {
      return bad_field(place + ".name", fmt::format("\"{}\" occurs twice", tool.name));
    }
    tools.push_back(std::move(tool));
  }
  return tools;
}

json::array tool_objects(const json::array& list, bool old_style) {
  if (!old_style) return list;
  json::array wrapped;
  for (const json::value& each : list) {
    wrapped.push_back(json::object{{"type", "function"}, {"function", each}});
  }
  return wrapped;
}

enum class Choice { kNone, kAuto, kForced };

// tool_choice or function_call. `name` becomes that of the one function it names.
Result<Choice> read_choice_of(const json::value& value, const std::string& path, bool old_style,
                              std::string& name) {
  if (value.is_object()) {
    const json::value* function = &value;
    std::string place = path;
    if (!old_style) {
      CHASQUI_TRY(function, read_wrapper(value, path));
      place += ".function";
    }
    if (!function->is_object()) return bad_field(place, "an object {name}", *function);
    CHASQUI_TRY(name, read_name(function->get_object(), place));
    return Choice::kForced;
  }
  const FieldSpec spec = {.name = "choice", .choices = "none|auto|required"};
  CHASQUI_TRY_STATUS(check_field(spec, value, path));
  const std::string_view text = value.get_string();
  return text == "none" ? Choice::kNone : (text == "auto" ? Choice::kAuto : Choice::kForced);
}

const json::value* given(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value == nullptr || value->is_null() ? nullptr : value;
}

const json::array* given_list(const json::object& object, std::string_view key) {
  const json::value* value = given(object, key);
  return value == nullptr || value->get_array().empty() ? nullptr : &value->get_array();
}

}  // namespace

Status read_tools(const json::object& object, ToolWishes& wishes) {
  const json::array* list = given_list(object, "tools");
  const json::array* functions = given_list(object, "functions");
  if (list != nullptr && functions != nullptr) {
    return bad_field("functions", "cannot be combined with tools");
  }
  wishes.old_style =
      functions != nullptr || (list == nullptr && given(object, "function_call") != nullptr);
  if (wishes.old_style) list = functions;
  const std::string choice_path = wishes.old_style ? "function_call" : "tool_choice";
  Choice choice = Choice::kAuto;
  if (const json::value* value = given(object, choice_path)) {
    CHASQUI_TRY(choice, read_choice_of(*value, choice_path, wishes.old_style, wishes.forced_name));
  }
  wishes.forced = choice == Choice::kForced;
  if (list == nullptr) {
    return wishes.forced ? Status(bad_field(choice_path, "needs functions to choose from"))
                         : Status();
  }
  CHASQUI_TRY(chat::Tools tools,
              read_list(*list, wishes.old_style ? "functions" : "tools", wishes.old_style));
  const std::string& name = wishes.forced_name;
  if (!name.empty() && std::ranges::find(tools, name, &chat::Tool::name) == tools.end()) {
    return bad_field(choice_path, fmt::format("names \"{}\", which is none of the tools", name));
  }
  if (choice == Choice::kNone) return {};
  wishes.tools = std::make_shared<const chat::Tools>(std::move(tools));
  wishes.objects = tool_objects(*list, wishes.old_style);
  wishes.parallel = wishes.parallel && !wishes.old_style;
  return {};
}

}  // namespace chasqui::api
