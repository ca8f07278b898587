#include "chat/json_value.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace chasqui::chat {

namespace json = boost::json;
using jinja::Origin;
using jinja::Value;

namespace {

// "line 2, column 7" of the byte at `offset`; columns count bytes.
std::string place_of(std::string_view text, size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const auto lines = std::ranges::count(before, '\n');
  const size_t begin = before.rfind('\n') + 1;  // npos + 1 is 0
  return fmt::format("line {}, column {}", lines + 1, offset - begin + 1);
}

}  // namespace

Result<json::value> parse_json(std::string_view text, size_t max_depth) {
  json::parse_options options;
  options.max_depth = max_depth;
  json::parser parser({}, options);
  boost::system::error_code error;
  const size_t read = parser.write_some(text.data(), text.size(), error);
  if (!error && read < text.size()) error = json::error::extra_data;
  if (!error) return parser.release();
  std::string reason = error.message();
  if (error == json::error::too_deep) reason = fmt::format("more than {} levels", max_depth);
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) reason = "nothing there";
  return fail(ErrorCode::kInvalidArgument, reason + " at " + place_of(text, read));
}

Value value_from_json(const json::value& value, Origin origin) {
  switch (value.kind()) {
    case json::kind::null:
      return Value::none();
    case json::kind::bool_:
      return Value::boolean(value.get_bool()).with_trust(origin == Origin::kTemplate);
    case json::kind::int64:
      return Value::integer(value.get_int64(), origin);
    case json::kind::uint64:  // above what an int64 holds
      return Value::number(static_cast<double>(value.get_uint64()), origin);
    case json::kind::double_:
      return Value::number(value.get_double(), origin);
    case json::kind::string:
      return Value::string(std::string(value.get_string()), origin);
    case json::kind::array:
      break;
    case json::kind::object: {
      std::vector<std::pair<Value, Value>> entries;
      for (const auto& [key, item] : value.get_object()) {
        entries.emplace_back(Value::string(std::string(key), origin),
                             value_from_json(item, origin));
      }
      return Value::dict(std::move(entries));
    }
  }
  std::vector<Value> items;
  for (const json::value& item : value.get_array()) items.push_back(value_from_json(item, origin));
  return Value::list(std::move(items));
}

Value value_from_json_text(std::string_view text, Origin origin) {
  const auto parsed = parse_json(text);
  return parsed ? value_from_json(*parsed, origin) : Value();
}

}  // namespace chasqui::chat
