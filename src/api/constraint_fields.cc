// The request fields that constrain an answer: GBNF as the replaced server takes it,
// response_format as OpenAI's API has it, structured_outputs and guided_* as vLLM has them.
#include <fmt/format.h>

#include "api/internal/constraint.h"
#include "api/internal/field.h"
#include "chat/json_value.h"

namespace json = boost::json;

namespace chasqui::api {
namespace {

using Kind = Constraint::Kind;

Result<Constraint> read_text(Kind kind, const json::value& value, std::string_view path) {
  if (!value.is_string()) return bad_field(path, "a string", value);
  return Constraint{
      .kind = kind, .param = std::string(path), .text = std::string(value.get_string())};
}

struct Way {
  std::string_view name;
  Result<Constraint> (*read)(const json::value& value, std::string_view path);
};

Result<Constraint> read_json_object(const json::value& value, std::string_view path) {
  if (!value.is_bool()) return bad_field(path, "true or false", value);
  return Constraint{.kind = value.get_bool() ? Kind::kJsonObject : Kind::kNone,
                    .param = std::string(path)};
}

constexpr Way kWays[] = {
    {"json", read_schema},
    {"regex", read_regex},
    {"choice", read_choice},
    {"grammar", read_gbnf},
    {"json_object", read_json_object},
};

}  // namespace

Result<Constraint> read_gbnf(const json::value& value, std::string_view path) {
  return read_text(Kind::kGbnf, value, path);
}

Result<Constraint> read_regex(const json::value& value, std::string_view path) {
  return read_text(Kind::kRegex, value, path);
}

Result<Constraint> read_choice(const json::value& value, std::string_view path) {
  if (!value.is_array()) return bad_field(path, "a list of strings", value);
  Constraint constraint = {.kind = Kind::kChoice, .param = std::string(path)};
  for (const json::value& choice : value.get_array()) {
    const std::string place = fmt::format("{}[{}]", path, constraint.choices.size());
    if (!choice.is_string()) return bad_field(place, "a string", choice);
    constraint.choices.emplace_back(choice.get_string());
  }
  return constraint;
}

Result<Constraint> read_schema(const json::value& value, std::string_view path) {
  Constraint constraint = {.kind = Kind::kSchema, .param = std::string(path), .schema = value};
  if (value.is_string()) {
    auto parsed = chat::parse_json(value.get_string());
    if (!parsed) return bad_field(path, "is not valid JSON: " + parsed.error().message);
    constraint.schema = std::move(*parsed);
  }
  const json::value& schema = constraint.schema;
  if (!schema.is_object() && !schema.is_bool()) return bad_field(path, "a JSON schema", schema);
  return constraint;
}

Result<Constraint> read_structured_outputs(const json::value& value, std::string_view path) {
  if (!value.is_object()) return bad_field(path, "an object", value);
  Constraint constraint;
  for (const Way& way : kWays) {
    const json::value* member = value.get_object().if_contains(way.name);
    if (member == nullptr || member->is_null()) continue;
    CHASQUI_TRY(Constraint read, way.read(*member, fmt::format("{}.{}", path, way.name)));
    if (read.kind == Kind::kNone) continue;
    if (constraint.kind != Kind::kNone) {
      return bad_field(path,
                       fmt::format("cannot have both {} and {}", constraint.param, read.param));
    }
    constraint = std::move(read);
  }
  return constraint;
}

Result<Constraint> read_response_format(const json::value& value, std::string_view path) {
  const std::string type_path = fmt::format("{}.type", path);
  const FieldSpec spec = {.name = "type", .choices = "text|json_object|json_schema"};
  const json::object& object = value.get_object();
  const json::value* type = object.if_contains("type");
  if (type == nullptr) return bad_field(type_path, "is required");
  CHASQUI_TRY_STATUS(check_field(spec, *type, type_path));
  const json::string& name = type->get_string();
  if (name == "text") return Constraint{};
  if (name == "json_object") {
    const json::value* schema = object.if_contains("schema");
    if (schema != nullptr && !schema->is_null()) {
      return read_schema(*schema, fmt::format("{}.schema", path));
    }
    return Constraint{.kind = Kind::kJsonObject, .param = std::string(path)};
  }
  const std::string outer_path = fmt::format("{}.json_schema", path);
  const json::value* outer = object.if_contains("json_schema");
  if (outer == nullptr || !outer->is_object()) return bad_field(outer_path, "must be an object");
  const std::string schema_path = outer_path + ".schema";
  const json::value* schema = outer->get_object().if_contains("schema");
  if (schema == nullptr || schema->is_null()) return bad_field(schema_path, "is required");
  return read_schema(*schema, schema_path);
}

}  // namespace chasqui::api
