// Work on texts that several tables share: formatting, JSON, markup. All keep who wrote each byte.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "jinja/internal/machine.h"
#include "jinja/internal/rows.h"
#include "jinja/text.h"
#include "jinja/value.h"

namespace chasqui::jinja {

// `text` with & < > ' " as HTML entities.
Text escape_markup(Machine& machine, const Text& text);

// Python's `format % values`; what comes into markup is escaped.
Value format_percent(Machine& machine, const String& format, const Value& values);
// Python's format.format(...).
Value format_braces(Machine& machine, const Text& format, const Passed& passed);
// What f"{value:spec}" writes.
Text format_value(Machine& machine, const Value& value, std::string_view spec);

// json.dumps(value, ensure_ascii, indent, separators, sort_keys).
struct JsonStyle {
  bool ensure_ascii = false;
  std::optional<std::string> indent;  // of one level; none: all on one line
  Text between_items = Text(", ", true);
  Text after_key = Text(": ", true);
  bool sort_keys = false;
};
Text to_json(Machine& machine, const Value& value, const JsonStyle& style);

// The pieces of `text` between occurrences of `separator`, at most `limit` cuts (< 0: any number),
// counted from the right if `from_right`. REQUIRES: `separator` is not empty.
std::vector<Text> split_by(const Text& text, std::string_view separator, int64_t limit,
                           bool from_right);
// The same for runs of white space, with none at the ends.
std::vector<Text> split_by_space(const Text& text, int64_t limit, bool from_right);
// Python's str.splitlines.
std::vector<Text> split_lines(const Text& text, bool keep_ends);

// `text` without the characters of `set` (white space where there is none) at its ends.
enum class Side { kLeft, kRight, kBoth };
Text strip(const Text& text, const std::optional<std::string>& set, Side side);

// Every occurrence of `old` replaced, at most `limit` (< 0: all).
Text replace(Machine& machine, const Text& text, std::string_view old, const Text& with,
             int64_t limit);

// Each run of one author mapped by `map`, a pure function on whole characters.
template <typename Map>
Text map_runs(const Text& text, const Map& map) {
  Text out;
  text.each_run([&](std::string_view bytes, bool trusted) { out.append(map(bytes), trusted); });
  return out;
}

std::vector<Value> text_values(std::vector<Text> texts);

}  // namespace chasqui::jinja
