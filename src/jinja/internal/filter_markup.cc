// house-numbers: table
// Filters that write for another language: HTML, URLs, JSON, Python.
#include <algorithm>

#include "jinja/internal/fault.h"
#include "jinja/internal/operators.h"
#include "jinja/internal/print.h"
#include "jinja/internal/rows.h"
#include "jinja/internal/text_work.h"

namespace chasqui::jinja {
namespace {

using A = const Arguments&;
using M = Machine&;

Value escape_filter(M machine, A a) {
  if (a[0].is(Kind::kString) && a[0].as_string().markup) return a[0];
  return Value::string(escape_markup(machine, to_text(machine, a[0])), true);
}

Value force_escape_filter(M machine, A a) {
  return Value::string(escape_markup(machine, to_text(machine, a[0])), true);
}

Value safe_filter(M machine, A a) {
  return Value::string(to_text(machine, a[0]), true);
}

// Without tags and comments, runs of space as one.
Value strip_tags_filter(M machine, A a) {
  const Text text = to_text(machine, a[0]);
  const std::string_view view = text.view();
  Text out;
  for (size_t at = 0; at < view.size();) {
    const size_t open = std::min(view.find('<', at), view.size());
    out.append(text, at, open - at);
    const bool comment = view.substr(open).starts_with("<!--");
    const size_t close = view.find(comment ? "-->" : ">", open);
    if (close == std::string_view::npos) {
      out.append(text, open, view.size() - open);
      break;
    }
    at = close + (comment ? 3 : 1);
  }
  Text joined;
  for (const Text& word : split_by_space(out, -1, false)) {
    if (!joined.empty()) joined.append(" ", true);
    joined.append(word);
  }
  return Value::string(std::move(joined));
}

// Of a path, which keeps its slashes, or of a form, which writes space as "+".
std::string percent_encoded(std::string_view bytes, bool is_path) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : bytes) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '_' || c == '.' || c == '-' || c == '~' || (c == '/' && is_path);
    if (plain || (c == ' ' && !is_path)) {
      out += plain ? c : '+';
      continue;
    }
    out += '%';
    out += kHex[static_cast<unsigned char>(c) >> 4];
    out += kHex[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

Text encoded(M machine, const Value& value, bool is_path) {
  const Text text = to_text(machine, value);
  machine.charge(text.size() * 3);
  return map_runs(text, [&](std::string_view bytes) { return percent_encoded(bytes, is_path); });
}

Value url_encode_filter(M machine, A a) {
  if (!a[0].is(Kind::kDict)) return Value::string(encoded(machine, a[0], true));
  Text out;
  for (const auto& [key, value] : a[0].as_dict().entries()) {
    if (!out.empty()) out.append("&", true);
    out.append(encoded(machine, key, false));
    out.append("=", true);
    out.append(encoded(machine, value, false));
  }
  return Value::string(std::move(out));
}

// As Hugging Face defines it: json.dumps, and not Jinja's own, which escapes for HTML.
Value to_json_filter(M machine, A a) {
  JsonStyle style;
  style.ensure_ascii = a.boolean(1, false);
  if (a.given(2) && a[2].is(Kind::kString)) {
    style.indent = a[2].text().bytes();
  } else if (a.given(2) && !a[2].is(Kind::kNone)) {
    const auto width = static_cast<size_t>(std::max<int64_t>(a.integer(2, 0), 0));
    machine.charge(width);
    style.indent = std::string(width, ' ');
  }
  if (style.indent) style.between_items = Text(",", true);
  if (a.given(3) && !a[3].is(Kind::kNone)) {
    const std::vector<Value> both = iterate(machine, a[3]);
    if (both.size() != 2) type_fault("tojson() needs two separators");
    style.between_items = to_text(machine, both[0]);
    style.after_key = to_text(machine, both[1]);
  }
  style.sort_keys = a.boolean(4, false);
  return Value::string(to_json(machine, a[0], style));
}

Value pprint_filter(M machine, A a) {
  return Value::string(repr(machine, a[0]));
}

Value xml_attributes_filter(M machine, A a) {
  if (!a[0].is(Kind::kDict)) type_fault("xmlattr() needs a mapping");
  Text out;
  for (const auto& [key, value] : a[0].as_dict().entries()) {
    if (value.is(Kind::kNone) || value.is_undefined()) continue;
    const Text name = to_text(machine, key);
    if (name.view().find_first_of(" \t\n\f\r/>=") != std::string_view::npos) {
      type_fault("an attribute's name holds a character that ends it");
    }
    if (!out.empty() || a.boolean(1, true)) out.append(" ", true);
    out.append(escape_markup(machine, name));
    out.append("=\"", true);
    out.append(escape_markup(machine, to_text(machine, value)));
    out.append("\"", true);
  }
  return Value::string(std::move(out), true);
}

constexpr Row kRows[] = {
    {"escape", "", escape_filter},
    {"e", "", escape_filter},
    {"forceescape", "", force_escape_filter},
    {"safe", "", safe_filter},
    {"striptags", "", strip_tags_filter},
    {"urlencode", "", url_encode_filter},
    {"tojson", "ensure_ascii? indent? separators? sort_keys?", to_json_filter},
    {"pprint", "", pprint_filter},
    {"xmlattr", "autospace?", xml_attributes_filter},
};

}  // namespace

std::span<const Row> markup_filters() {
  return kRows;
}

}  // namespace chasqui::jinja
