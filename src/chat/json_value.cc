#include "chat/json_value.h"

#include <utility>
#include <vector>

namespace chasqui::chat {

namespace json = boost::json;
using jinja::Origin;
using jinja::Value;

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
  json::parse_options options;
  options.max_depth = 64;
  boost::system::error_code error;
  const json::value parsed = json::parse(text, error, {}, options);
  return error ? Value() : value_from_json(parsed, origin);
}

}  // namespace chasqui::chat
