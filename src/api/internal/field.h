// Request fields as data. A request type is a table of rows, and one walk over the rows checks a
// JSON object: known name, type, range, null. The same rows are what /openapi.json and the
// generated docs are made of, so what is promised and what is enforced cannot differ.
//
// Unknown members of the object are ignored, as OpenAI clients expect.
#pragma once

#include <boost/json.hpp>
#include <cmath>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/result.h"

namespace chasqui::api {

enum class FieldType {
  kBoolean,
  kInteger,  // 3.0 counts as 3
  kNumber,
  kString,
  kArray,
  kObject,
  kStringOrArray,
  kStringOrObject,
};

// What a row says of a field, apart from where its value goes.
struct FieldSpec {
  std::string_view name;
  FieldType type = FieldType::kString;
  std::string_view fallback = "null";                     // JSON text of the default
  bool nullable = false;                                  // null then means the default
  double min = -std::numeric_limits<double>::infinity();  // of numbers, inclusive
  double max = std::numeric_limits<double>::infinity();
  std::string_view choices = "";  // of strings with fixed values: "float|base64"
  bool required = false;
  std::string_view help = "";
  // Name of the schema in openapi_components.cc that says what an array or object holds.
  std::string_view schema = "";
};

template <typename Body>
struct Field {
  FieldSpec spec;
  // Puts a value that fits `spec` (and is not null) into the body, or refuses it for a reason that
  // `spec` cannot say. `path`: name of the field as error messages call it.
  Status (*set)(Body& body, const boost::json::value& value, std::string_view path);
};

// The rows of a table without their setters.
template <typename Body>
std::vector<FieldSpec> specs_of(std::span<const Field<Body>> rows) {
  std::vector<FieldSpec> specs;
  for (const Field<Body>& row : rows) specs.push_back(row.spec);
  return specs;
}

// Whether `value` fits `spec`: kInvalidArgument with `path` as param, and a message that names
// what was found and what is allowed. Null must have been dealt with.
Status check_field(const FieldSpec& spec, const boost::json::value& value, std::string_view path);

// The refusals that setters use too.
tl::unexpected<Error> bad_field(std::string_view path, std::string_view what_is_allowed,
                                const boost::json::value& found);
tl::unexpected<Error> bad_field(std::string_view path, std::string_view sentence);
Error missing_field(const FieldSpec& spec);

// "a string (\"abc\")", "the number 3.5", "an array", "null".
std::string describe(const boost::json::value& value);

// The number as a whole one, if it is one and fits.
std::optional<int64_t> as_integer(const boost::json::value& value);

// Body fields through a path of member pointers: store<&Body::sampling, &SamplingSpec::top_k>.
template <auto... Path, typename Body>
Status store(Body& body, const boost::json::value& value, std::string_view) {
  auto& target = (body.*....*Path);
  using Target = std::remove_reference_t<decltype(target)>;
  if constexpr (std::is_same_v<Target, bool>) {
    target = value.as_bool();
  } else if constexpr (std::is_same_v<Target, std::string> ||
                       std::is_same_v<Target, std::optional<std::string>>) {
    target = std::string(value.as_string());
  } else if constexpr (std::is_floating_point_v<Target>) {
    target = static_cast<Target>(value.to_number<double>());
  } else if constexpr (std::is_integral_v<Target>) {
    target = static_cast<Target>(*as_integer(value));  // the range of the row fits the type
  } else {
    target = *as_integer(value);  // std::optional of an integer
  }
  return {};
}

// Reads every row's field of `object` into `body`.
template <typename Body>
Status read_fields(const boost::json::object& object,
                   std::type_identity_t<std::span<const Field<Body>>> rows, Body& body) {
  for (const Field<Body>& row : rows) {
    const boost::json::value* value = object.if_contains(row.spec.name);
    if (value == nullptr || (value->is_null() && row.spec.nullable)) {
      if (row.spec.required) return fail(missing_field(row.spec));
      continue;
    }
    CHASQUI_TRY_STATUS(check_field(row.spec, *value, row.spec.name));
    CHASQUI_TRY_STATUS(row.set(body, *value, row.spec.name));
  }
  return {};
}

// A request body as a JSON object: UTF-8, at most 64 levels deep. kInvalidArgument says where the
// text stops being JSON.
Result<boost::json::object> parse_body(std::string_view body);

}  // namespace chasqui::api
