// JSON as values of a template.
#pragma once

#include <boost/json.hpp>
#include <string_view>

#include "jinja/value.h"

namespace chasqui::chat {

// Objects become dicts in their order, numbers stay whole or not as they were written. Everything,
// keys too, is marked as `origin`'s. REQUIRES: at most jinja::Value::kMaxDepth levels; deeper ones
// become undefined.
jinja::Value value_from_json(const boost::json::value& json, jinja::Origin origin);

// The value that JSON text stands for, or undefined where it is none (or nests above 64 deep).
jinja::Value value_from_json_text(std::string_view text, jinja::Origin origin);

}  // namespace chasqui::chat
