// house-numbers: table
// Filters on text (https://jinja.palletsprojects.com/en/3.1.x/templates/#builtin-filters).
#include <algorithm>

#include "jinja/internal/fault.h"
#include "jinja/internal/operators.h"
#include "jinja/internal/print.h"
#include "jinja/internal/rows.h"
#include "jinja/internal/text_work.h"
#include "jinja/internal/unicode.h"

namespace chasqui::jinja {
namespace {

using A = const Arguments&;
using M = Machine&;

// The subject as a string, markup where it was.
Value as_text(M machine, const Value& value) {
  return value.is(Kind::kString) ? value : Value::string(to_text(machine, value));
}

// The method of that name on the subject as a string.
Value by_method(M machine, const Value& value, std::string_view name, Passed&& passed = {}) {
  const Value text = as_text(machine, value);
  return call_row(machine, *find_method(Kind::kString, name), &text, std::move(passed));
}

Value string_filter(M machine, A a) {
  return as_text(machine, a[0]);
}

Value upper_filter(M machine, A a) {
  return by_method(machine, a[0], "upper");
}

Value lower_filter(M machine, A a) {
  return by_method(machine, a[0], "lower");
}

Value capitalize_filter(M machine, A a) {
  return by_method(machine, a[0], "capitalize");
}

Value trim_filter(M machine, A a) {
  Passed passed;
  if (a.given(1)) passed.positional.push_back(a[1]);
  return by_method(machine, a[0], "strip", std::move(passed));
}

Value center_filter(M machine, A a) {
  return by_method(machine, a[0], "center", {{Value::integer(a.integer(1, 80))}, {}});
}

// Capital letters at the front, and after space, hyphens and opening brackets.
Value title_filter(M machine, A a) {
  const Value subject = as_text(machine, a[0]);
  bool begins = true;
  Text out = map_runs(subject.text(), [&](std::string_view run) {
    std::string mapped;
    while (!run.empty()) {
      const std::string_view character = run.substr(0, char_bytes(run));
      const int32_t code = code_point(character);
      append_code_point(mapped, begins ? to_upper(code) : to_lower(code));
      begins = is_space(code) ||
               (code < 0x80 &&
                std::string_view("-({[<").find(static_cast<char>(code)) != std::string_view::npos);
      run.remove_prefix(character.size());
    }
    return mapped;
  });
  return Value::string(std::move(out), subject.as_string().markup);
}

Value replace_filter(M machine, A a) {
  const Text text = to_text(machine, a[0]);
  const Text old = to_text(machine, a[1]), with = to_text(machine, a[2]);
  return Value::string(replace(machine, text, old.view(), with, a.integer(3, -1)));
}

Value indent_filter(M machine, A a) {
  Text margin;
  if (a[1].is(Kind::kString)) {
    margin = a[1].text();
  } else {
    const auto width = static_cast<size_t>(std::max<int64_t>(a.integer(1, 4), 0));
    machine.charge(width);
    margin = Text(std::string(width, ' '), true);
  }
  const bool first = a.boolean(2, false), blank = a.boolean(3, false);
  Text text = to_text(machine, a[0]);
  text.append("\n", true);  // so that a last empty line counts
  const std::vector<Text> lines = split_lines(text, false);
  Text out;
  for (size_t i = 0; i < lines.size(); ++i) {
    machine.charge(lines[i].size() + margin.size() + 1);
    if (i > 0) out.append("\n", true);
    const bool indented = i == 0 ? first : blank || !lines[i].empty();
    if (indented) out.append(margin);
    out.append(lines[i]);
  }
  return Value::string(std::move(out));
}

Text first_chars(const Text& text, int64_t count) {
  const std::vector<size_t> offsets = char_offsets(text.view());
  const auto size = static_cast<int64_t>(offsets.size()) - 1;
  if (count < 0) count += size;
  return text.substr(0, offsets[static_cast<size_t>(std::clamp<int64_t>(count, 0, size))]);
}

Value truncate_filter(M machine, A a) {
  const Text text = to_text(machine, a[0]);
  const int64_t length = a.integer(1, 255);
  const Text end = a.text(3, "...");
  const int64_t leeway = a.integer(4, 5);
  const auto end_length = static_cast<int64_t>(count_chars(end.view()));
  if (length < end_length || leeway < 0) type_fault("truncate() needs a longer length");
  if (static_cast<int64_t>(count_chars(text.view())) <= length + leeway) return Value::string(text);
  Text out = first_chars(text, length - end_length);
  if (!a.boolean(2, false)) out = split_by(out, " ", 1, true)[0];
  out.append(end);
  return Value::string(std::move(out));
}

bool is_word_char(int32_t code) {
  return is_alpha(code) || is_digit(code) || code == '_';
}

Value word_count_filter(M machine, A a) {
  const Text text = to_text(machine, a[0]);
  int64_t count = 0;
  bool inside = false;
  for (std::string_view rest = text.view(); !rest.empty(); rest.remove_prefix(char_bytes(rest))) {
    const bool word = is_word_char(code_point(rest.substr(0, char_bytes(rest))));
    if (word && !inside) ++count;
    inside = word;
  }
  return Value::integer(count);
}

// Lines of at most `width` characters, cut at spaces, and within words that are longer.
void wrap_line(const Text& line, int64_t width, bool break_words, std::vector<Text>& out) {
  Text current;
  for (Text word : split_by_space(line, -1, false)) {
    const auto used = static_cast<int64_t>(count_chars(current.view()));
    auto size = static_cast<int64_t>(count_chars(word.view()));
    if (used > 0 && used + 1 + size <= width) {
      current.append(" ", true);
      current.append(word);
      continue;
    }
    if (used > 0) out.push_back(std::move(current));
    for (; break_words && size > width; size -= width) {
      Text head = first_chars(word, width);
      word = word.substr(head.size());
      out.push_back(std::move(head));
    }
    current = std::move(word);
  }
  out.push_back(std::move(current));
}

Value word_wrap_filter(M machine, A a) {
  const int64_t width = a.integer(1, 79);
  if (width < 1) type_fault("wordwrap() needs a width above 0");
  const Text newline = a[3].is(Kind::kString) ? a[3].text() : Text("\n", true);
  Text out;
  std::vector<Text> lines;
  const Text text = to_text(machine, a[0]);
  for (const Text& line : split_lines(text, false)) {
    machine.charge(line.size() * 2);
    wrap_line(line, width, a.boolean(2, true), lines);
  }
  for (size_t i = 0; i < lines.size(); ++i) {
    machine.charge(newline.size() + lines[i].size());
    if (i > 0) out.append(newline);
    out.append(lines[i]);
  }
  return Value::string(std::move(out));
}

// "%s and %s" | format(a, b)
Value format_filter(M machine, A a) {
  if (!a.rest().empty() && !a.named().empty()) {
    type_fault("format() takes positional or named arguments, not both");
  }
  const Value subject = as_text(machine, a[0]);
  const String& text = subject.as_string();
  if (a.named().empty()) {
    return format_percent(machine, text,
                          make_list(machine, {a.rest().begin(), a.rest().end()}, ListKind::kTuple));
  }
  std::vector<Dict::Entry> entries;
  for (const auto& [name, value] : a.named()) {
    entries.emplace_back(Value::string(name, Origin::kCaller), value);
  }
  return format_percent(machine, text, make_dict(machine, std::move(entries)));
}

constexpr Row kRows[] = {
    {"string", "", string_filter},
    {"upper", "", upper_filter},
    {"lower", "", lower_filter},
    {"capitalize", "", capitalize_filter},
    {"title", "", title_filter},
    {"trim", "chars?", trim_filter},
    {"center", "width?", center_filter},
    {"replace", "old new count?", replace_filter},
    {"indent", "width? first? blank?", indent_filter},
    {"truncate", "length? killwords? end? leeway?", truncate_filter},
    {"wordcount", "", word_count_filter},
    {"wordwrap", "width? break_long_words? wrapstring? break_on_hyphens?", word_wrap_filter},
    {"format", "* **", format_filter},
};

}  // namespace

std::span<const Row> text_filters() {
  return kRows;
}

}  // namespace chasqui::jinja
