// The layout is that of the server that chasqui replaces, its spaces and empty comments included,
// so that a prompt keeps its tokens; so are the names of the types, which are JSON Schema's
// ("integer"). What differs: a line end in a description does not end the comment; values of enums
// that are no strings have no quotes; `const`, `anyOf`, `oneOf` and lists of types are said.
#include "chat/internal/typescript.h"

#include <algorithm>
#include <set>

namespace json = boost::json;

namespace chasqui::chat {
namespace {

// How deep what stands inside the type of a parameter is set in, wherever the parameter stands.
constexpr size_t kParameterInset = 4;
constexpr size_t kDefinitionInset = 2;
constexpr size_t kStep = 2;

template <typename T>
const T* member(const json::object& schema, std::string_view key) {
  const json::value* value = schema.if_contains(key);
  if (value == nullptr) return nullptr;
  if constexpr (std::is_same_v<T, json::object>) return value->if_object();
  if constexpr (std::is_same_v<T, json::array>) return value->if_array();
  if constexpr (std::is_same_v<T, json::string>) return value->if_string();
}

std::string_view text_in(const json::object& schema, std::string_view key) {
  const json::string* text = member<json::string>(schema, key);
  return text == nullptr ? std::string_view() : std::string_view(*text);
}

std::string comment(std::string_view margin, std::string_view text) {
  std::string line(text);
  std::ranges::replace(line, '\n', ' ');
  return std::string(margin) + "// " + line + "\n";
}

template <typename Say>
std::string union_of(const json::array& ways, const Say& say) {
  std::string text;
  for (const json::value& way : ways) {
    if (!text.empty()) text += " | ";
    text += say(way);
  }
  return text.empty() ? "any" : text;
}

// A list of types without repetitions: each "array" would say the same items again, and lists of
// them within each other would multiply.
json::array each_once(const json::array& names) {
  json::array once;
  std::set<std::string_view> seen;
  for (const json::value& name : names) {
    const std::string_view text = name.is_string() ? std::string_view(name.get_string()) : "";
    if (seen.insert(text).second) once.push_back(name);
  }
  return once;
}

// The text is linear in the schema's, but for margins. The recursion is bounded by the depth that
// the parser of bodies allows. `inset`: spaces before the line that closes an object.
std::string type_of(const json::value& value, size_t inset);

std::string object_type(const json::object& schema, size_t inset) {
  const std::string margin(inset, ' ');
  std::string text = "{\n";
  if (const json::object* properties = member<json::object>(schema, "properties")) {
    for (const auto& [name, property] : *properties) {
      text += margin + "  " + std::string(name) + ": " + type_of(property, inset + kStep) + ",\n";
    }
  }
  return text + margin + "}";
}

std::string type_named(const json::object& schema, std::string_view name, size_t inset) {
  if (name == "object") return object_type(schema, inset);
  if (name != "array") return name.empty() ? "any" : std::string(name);
  const json::value* items = schema.if_contains("items");
  return "Array<" + (items == nullptr ? "any" : type_of(*items, inset + kStep)) + ">";
}

std::string type_of(const json::value& value, size_t inset) {
  const json::object* schema = value.if_object();
  if (schema == nullptr) return "any";
  if (const std::string_view target = text_in(*schema, "$ref"); !target.empty()) {
    return std::string(target.substr(target.rfind('/') + 1));
  }
  const auto literal = [](const json::value& each) { return json::serialize(each); };
  if (const json::array* values = member<json::array>(*schema, "enum")) {
    return union_of(*values, literal);
  }
  if (const json::value* only = schema->if_contains("const")) return literal(*only);
  for (const std::string_view key : {"anyOf", "oneOf"}) {
    if (const json::array* ways = member<json::array>(*schema, key)) {
      return union_of(*ways, [&](const json::value& way) { return type_of(way, inset); });
    }
  }
  if (const json::array* names = member<json::array>(*schema, "type")) {
    return union_of(each_once(*names), [&](const json::value& name) {
      return type_named(*schema, name.is_string() ? name.get_string() : "", inset);
    });
  }
  return type_named(*schema, text_in(*schema, "type"), inset);
}

std::set<std::string_view> required_in(const json::object& schema) {
  std::set<std::string_view> required;
  const json::array* names = member<json::array>(schema, "required");
  if (names == nullptr) return required;
  for (const json::value& name : *names) {
    if (name.is_string()) required.insert(name.get_string());
  }
  return required;
}

// The types that the tools' schemas share. Of one name the last counts, where the first stood.
std::string definitions_of(std::span<const Tool> tools) {
  json::object all;
  for (const Tool& tool : tools) {
    const json::object* own = member<json::object>(tool.parameters, "$defs");
    if (own == nullptr) continue;
    for (const auto& [name, schema] : *own) all[name] = schema;
  }
  std::string text;
  for (const auto& [name, schema] : all) {
    text += std::string(kDefinitionInset, ' ') + "type " + std::string(name) + " = " +
            type_of(schema, kDefinitionInset) + ";\n";
  }
  return text;
}

std::string declaration(const Tool& tool, size_t margin) {
  const std::string outer(margin, ' ');
  const std::string inner(2 * margin, ' ');
  std::string text = comment(outer, tool.description) + outer + "type " + tool.name + " = (_: {\n";
  if (const json::object* properties = member<json::object>(tool.parameters, "properties")) {
    const std::set<std::string_view> required = required_in(tool.parameters);
    for (const auto& [name, property] : *properties) {
      const json::object* schema = property.if_object();
      text += comment(inner, schema == nullptr ? "" : text_in(*schema, "description"));
      text += inner + std::string(name) + (required.contains(name) ? ": " : "?: ") +
              type_of(property, kParameterInset) + ",\n";
    }
  }
  return text + outer + "}) => any;\n\n";
}

}  // namespace

std::string typescript_of(std::span<const Tool> tools, size_t margin) {
  std::string text =
      "// Supported function definitions that should be called when necessary.\n"
      "namespace functions {\n\n" +
      definitions_of(tools);
  for (const Tool& tool : tools) text += declaration(tool, margin);
  return text + "} // namespace functions";
}

}  // namespace chasqui::chat
