// JSON text as JSON, and JSON as values of a template.
#pragma once

#include <boost/json.hpp>
#include <string_view>

#include "base/result.h"
#include "jinja/value.h"

namespace chasqui::chat {

// The one value that `text` holds, nested at most `max_depth` levels deep. kInvalidArgument says
// what is wrong and where: "syntax error at line 2, column 7".
Result<boost::json::value> parse_json(std::string_view text, size_t max_depth = 64);

// Objects become dicts in their order, numbers stay whole or not as they were written. Everything,
// keys too, is marked as `origin`'s. REQUIRES: at most jinja::Value::kMaxDepth levels; deeper ones
// become undefined.
jinja::Value value_from_json(const boost::json::value& json, jinja::Origin origin);

// The value that JSON text stands for, or undefined where it is none (or nests above 64 deep).
jinja::Value value_from_json_text(std::string_view text, jinja::Origin origin);

}  // namespace chasqui::chat
