// Rows of request fields as JSON schemas.
#include <fmt/format.h>

#include <cmath>

#include "api/internal/openapi.h"

namespace json = boost::json;

namespace chasqui::api {
namespace {

const char* name_of(FieldType type) {
  switch (type) {
    case FieldType::kBoolean:
      return "boolean";
    case FieldType::kInteger:
      return "integer";
    case FieldType::kNumber:
      return "number";
    case FieldType::kString:
      return "string";
    case FieldType::kArray:
      return "array";
    case FieldType::kObject:
      return "object";
    case FieldType::kStringOrArray:
    case FieldType::kStringOrObject:
      break;
  }
  return "string";
}

json::array type_names(const FieldSpec& spec) {
  json::array names = {name_of(spec.type)};
  if (spec.type == FieldType::kStringOrArray) names.emplace_back("array");
  if (spec.type == FieldType::kStringOrObject) names.emplace_back("object");
  if (spec.nullable) names.emplace_back("null");
  return names;
}

// Whole numbers without a point.
json::value bound(double value) {
  constexpr double kExact = 9007199254740992.0;  // 2^53
  if (value == std::floor(value) && std::abs(value) <= kExact) return static_cast<int64_t>(value);
  return value;
}

json::array choices_of(const FieldSpec& spec) {
  json::array choices;
  std::string_view rest = spec.choices;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('|'), rest.size());
    choices.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  if (spec.nullable) choices.emplace_back(nullptr);
  return choices;
}

// A component of its own; null stands beside it.
json::object reference(const FieldSpec& spec) {
  json::object ref = {{"$ref", fmt::format("#/components/schemas/{}", spec.schema)}};
  if (!spec.nullable) return ref;
  return {{"anyOf", {std::move(ref), {{"type", "null"}}}}};
}

}  // namespace

json::object schema_of(const FieldSpec& spec) {
  json::object schema;
  if (!spec.schema.empty()) {
    schema = reference(spec);
  } else {
    json::array types = type_names(spec);
    schema["type"] = types.size() == 1 ? types[0] : json::value(std::move(types));
    if (!spec.choices.empty()) schema["enum"] = choices_of(spec);
    if (std::isfinite(spec.min)) schema["minimum"] = bound(spec.min);
    if (std::isfinite(spec.max)) schema["maximum"] = bound(spec.max);
  }
  if (!spec.required) schema["default"] = json::parse(spec.fallback);
  schema["description"] = spec.help;
  return schema;
}

json::object schema_of(std::span<const FieldSpec> fields) {
  json::object properties;
  json::array required;
  for (const FieldSpec& spec : fields) {
    properties[spec.name] = schema_of(spec);
    if (spec.required) required.emplace_back(spec.name);
  }
  json::object schema = {{"type", "object"}, {"properties", std::move(properties)}};
  if (!required.empty()) schema["required"] = std::move(required);
  return schema;
}

}  // namespace chasqui::api
