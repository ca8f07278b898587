#include "api/internal/field.h"

#include <fmt/format.h>

#include "chat/json_value.h"

namespace json = boost::json;

namespace chasqui::api {
namespace {

constexpr size_t kQuotedBytes = 40;  // of a refused string, in the message

const char* type_phrase(FieldType type) {
  switch (type) {
    case FieldType::kBoolean:
      return "true or false";
    case FieldType::kInteger:
      return "an integer";
    case FieldType::kNumber:
      return "a number";
    case FieldType::kString:
      return "a string";
    case FieldType::kArray:
      return "an array";
    case FieldType::kObject:
      return "an object";
    case FieldType::kStringOrArray:
      return "a string or an array";
    case FieldType::kStringOrObject:
      return "a string or an object";
  }
  return "";
}

bool is_whole(const json::value& value) {
  if (value.is_int64() || value.is_uint64()) return true;
  return value.is_double() && std::isfinite(value.get_double()) &&
         std::trunc(value.get_double()) == value.get_double();
}

bool has_type(FieldType type, const json::value& value) {
  switch (type) {
    case FieldType::kBoolean:
      return value.is_bool();
    case FieldType::kInteger:
      return is_whole(value);
    case FieldType::kNumber:
      return value.is_number();
    case FieldType::kString:
      return value.is_string();
    case FieldType::kArray:
      return value.is_array();
    case FieldType::kObject:
      return value.is_object();
    case FieldType::kStringOrArray:
      return value.is_string() || value.is_array();
    case FieldType::kStringOrObject:
      return value.is_string() || value.is_object();
  }
  return false;
}

std::string range_phrase(const FieldSpec& spec) {
  std::string kind = spec.type == FieldType::kInteger ? "an integer" : "a number";
  if (std::isinf(spec.max))
    return std::isinf(spec.min) ? kind : fmt::format("{} of at least {}", kind, spec.min);
  return fmt::format("{} between {} and {}", kind, spec.min, spec.max);
}

// Whether `choices` ("a|b|c") lists `text`.
bool is_choice(std::string_view choices, std::string_view text) {
  while (!choices.empty()) {
    const size_t bar = std::min(choices.find('|'), choices.size());
    if (choices.substr(0, bar) == text) return true;
    choices.remove_prefix(std::min(bar + 1, choices.size()));
  }
  return false;
}

std::string choices_phrase(std::string_view choices) {
  std::string out = "one of ";
  for (const char c : choices) {
    if (c == '|') {
      out += ", ";
    } else {
      out += c;
    }
  }
  return out;
}

// At most kQuotedBytes of it, cut between characters.
std::string shortened(std::string_view text) {
  if (text.size() <= kQuotedBytes) return std::string(text);
  size_t end = kQuotedBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return std::string(text.substr(0, end)) + "...";
}

}  // namespace

Status check_field(const FieldSpec& spec, const json::value& value, std::string_view path) {
  if (!has_type(spec.type, value)) {
    const bool is_number = spec.type == FieldType::kInteger || spec.type == FieldType::kNumber;
    return bad_field(path, is_number ? range_phrase(spec) : type_phrase(spec.type), value);
  }
  if (value.is_number()) {
    const double number = value.to_number<double>();
    // Not (min <= x <= max), so that infinities of texts like 1e400 are refused too.
    if (!std::isfinite(number) || number < spec.min || number > spec.max) {
      return bad_field(path, range_phrase(spec), value);
    }
  }
  if (!spec.choices.empty() && value.is_string() && !is_choice(spec.choices, value.get_string())) {
    return bad_field(path, choices_phrase(spec.choices), value);
  }
  return {};
}

tl::unexpected<Error> bad_field(std::string_view path, std::string_view what_is_allowed,
                                const json::value& found) {
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("{} must be {}, but is {}", path, what_is_allowed, describe(found)),
              std::string(path));
}

tl::unexpected<Error> bad_field(std::string_view path, std::string_view sentence) {
  return fail(ErrorCode::kInvalidArgument, fmt::format("{} {}", path, sentence), std::string(path));
}

Error missing_field(const FieldSpec& spec) {
  return {ErrorCode::kInvalidArgument,
          fmt::format("{} is required: {}", spec.name, type_phrase(spec.type)),
          std::string(spec.name)};
}

std::string describe(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null:
      return "null";
    case json::kind::bool_:
      return value.get_bool() ? "true" : "false";
    case json::kind::int64:
      return fmt::format("the number {}", value.get_int64());
    case json::kind::uint64:
      return fmt::format("the number {}", value.get_uint64());
    case json::kind::double_:
      if (!std::isfinite(value.get_double())) return "a number too large to be one";
      return fmt::format("the number {}", value.get_double());
    case json::kind::string:
      return fmt::format("the string \"{}\"", shortened(value.get_string()));
    case json::kind::array:
      return "an array";
    case json::kind::object:
      return "an object";
  }
  return "";
}

std::optional<int64_t> as_integer(const json::value& value) {
  // The largest double below 2^63; above it the conversion would be undefined.
  constexpr double kMax = 9223372036854774784.0;
  if (value.is_int64()) return value.get_int64();
  if (!value.is_double() || !is_whole(value)) return std::nullopt;
  const double number = value.get_double();
  if (number < -kMax || number > kMax) return std::nullopt;
  return static_cast<int64_t>(number);
}

Result<json::object> parse_body(std::string_view body) {
  auto value = chat::parse_json(body);
  if (!value) {
    return fail(ErrorCode::kInvalidArgument,
                "The request body is not valid JSON: " + value.error().message);
  }
  if (!value->is_object()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("The request body must be a JSON object, but is {}", describe(*value)));
  }
  return std::move(value->as_object());
}

}  // namespace chasqui::api
