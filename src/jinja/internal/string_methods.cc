// house-numbers: table
// The methods of str (https://docs.python.org/3/library/stdtypes.html#string-methods), one row
// each. All keep who wrote which byte.
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

Value same_markup(A a, Text text) {
  return Value::string(std::move(text), a[0].as_string().markup);
}

// Text that comes into the subject: escaped where the subject is markup and the text is not.
Text joined_in(M machine, A a, const Value& value) {
  const bool escaped = a[0].as_string().markup && !value.as_string().markup;
  return escaped ? escape_markup(machine, value.text()) : value.text();
}

std::optional<std::string> char_set(A a, size_t index) {
  if (!a.given(index) || a[index].is(Kind::kNone)) return std::nullopt;
  return a.text(index, "").bytes();
}

template <Side side>
Value strip_method(M, A a) {
  return same_markup(a, strip(a[0].text(), char_set(a, 1), side));
}

template <bool from_right>
Value split_method(M machine, A a) {
  const int64_t limit = a.integer(2, -1);
  std::vector<Text> pieces;
  if (!a.given(1) || a[1].is(Kind::kNone)) {
    pieces = split_by_space(a[0].text(), limit, from_right);
  } else {
    const Text separator = a.text(1, "");
    if (separator.empty()) type_fault("empty separator");
    machine.charge(a[0].text().size() / separator.size() * sizeof(Value));
    pieces = split_by(a[0].text(), separator.view(), limit, from_right);
  }
  machine.charge(a[0].text().size() + pieces.size() * (sizeof(Value) + sizeof(String)));
  return make_list(machine, text_values(std::move(pieces)));
}

template <bool from_right>
Value partition_method(M machine, A a) {
  const Text separator = a.text(1, "");
  if (separator.empty()) type_fault("empty separator");
  std::vector<Text> pieces = split_by(a[0].text(), separator.view(), 1, from_right);
  machine.charge(a[0].text().size());
  if (pieces.size() == 2) {
    const Text& text = a[0].text();
    pieces.insert(pieces.begin() + 1, text.substr(pieces[0].size(), separator.size()));
  } else {
    pieces.insert(from_right ? pieces.begin() : pieces.end(), 2, Text());
  }
  return make_list(machine, text_values(std::move(pieces)), ListKind::kTuple);
}

Value split_lines_method(M machine, A a) {
  machine.charge(a[0].text().size() * 2);
  return make_list(machine, text_values(split_lines(a[0].text(), a.boolean(1, false))));
}

Value replace_method(M machine, A a) {
  const Text old = a.text(1, "");
  a.text(2, "");  // must be a string
  const Text with = joined_in(machine, a, a[2]);
  return same_markup(a, replace(machine, a[0].text(), old.view(), with, a.integer(3, -1)));
}

// The part of the subject that [begin, end) arguments choose, as bytes.
std::optional<std::pair<size_t, size_t>> window(A a, size_t first) {
  const std::string_view text = a[0].view();
  if (!a.given(first) && !a.given(first + 1)) return std::pair<size_t, size_t>(0, text.size());
  const std::vector<size_t> offsets = char_offsets(text);
  const auto size = static_cast<int64_t>(offsets.size()) - 1;
  const auto place = [&](int64_t at) {
    return static_cast<size_t>(std::clamp<int64_t>(at < 0 ? at + size : at, 0, size));
  };
  const int64_t begin = a.integer(first, 0);
  if (begin > size) return std::nullopt;
  const size_t from = place(begin), to = place(a.integer(first + 1, size));
  if (from > to) return std::nullopt;
  return std::pair(offsets[from], offsets[to]);
}

template <bool at_end>
Value affix_method(M, A a) {
  const auto bounds = window(a, 2);
  if (!bounds) return Value::boolean(false);
  const std::string_view text = a[0].view().substr(bounds->first, bounds->second - bounds->first);
  const auto fits = [&](const Value& affix) {
    require_defined(affix);
    if (!affix.is(Kind::kString)) {
      type_fault(std::string(a.function()) + " first arg must be str or a tuple of str, not " +
                 type_name(affix));
    }
    return at_end ? text.ends_with(affix.view()) : text.starts_with(affix.view());
  };
  const bool tuple = a[1].is(Kind::kList) && a[1].as_list().kind == ListKind::kTuple;
  if (!tuple) return Value::boolean(fits(a[1]));
  return Value::boolean(std::any_of(a[1].items().begin(), a[1].items().end(), fits));
}

template <bool from_right, bool must_find>
Value find_method_of(M, A a) {
  const auto bounds = window(a, 2);
  const Text needle = a.text(1, "");
  size_t found = std::string_view::npos;
  if (bounds) {
    const std::string_view text = a[0].view().substr(0, bounds->second);
    const std::string_view part = text.substr(bounds->first);
    found = from_right ? part.rfind(needle.view()) : part.find(needle.view());
    if (found != std::string_view::npos) found = count_chars(text.substr(0, bounds->first + found));
  }
  if (found != std::string_view::npos) return Value::integer(static_cast<int64_t>(found));
  if (must_find) type_fault("substring not found");
  return Value::integer(-1);
}

Value count_method(M, A a) {
  const auto bounds = window(a, 2);
  if (!bounds) return Value::integer(0);
  const std::string_view text = a[0].view().substr(bounds->first, bounds->second - bounds->first);
  const Text needle = a.text(1, "");
  if (needle.empty()) return Value::integer(static_cast<int64_t>(count_chars(text)) + 1);
  int64_t count = 0;
  for (size_t at = text.find(needle.view()); at != std::string_view::npos;
       at = text.find(needle.view(), at + needle.size())) {
    ++count;
  }
  return Value::integer(count);
}

Value upper_method(M, A a) {
  return same_markup(a, map_runs(a[0].text(), upper));
}

Value lower_method(M, A a) {
  return same_markup(a, map_runs(a[0].text(), lower));
}

// Maps characters one by one; `change` gets the code point and whether a letter stands before it.
template <typename Change>
Text map_letters(const Text& text, const Change& change) {
  bool after_letter = false;
  return map_runs(text, [&](std::string_view run) {
    std::string out;
    while (!run.empty()) {
      const std::string_view character = run.substr(0, char_bytes(run));
      const int32_t code = code_point(character);
      append_code_point(out, change(code, after_letter));
      after_letter = is_alpha(code);
      run.remove_prefix(character.size());
    }
    return out;
  });
}

Value title_method(M, A a) {
  return same_markup(a, map_letters(a[0].text(), [](int32_t code, bool after_letter) {
                       return after_letter ? to_lower(code) : to_upper(code);
                     }));
}

Value capitalize_method(M, A a) {
  bool first = true;
  return same_markup(a, map_letters(a[0].text(), [&](int32_t code, bool) {
                       return std::exchange(first, false) ? to_upper(code) : to_lower(code);
                     }));
}

Value swapcase_method(M, A a) {
  return same_markup(a, map_runs(a[0].text(), [](std::string_view run) {
                       std::string out;
                       while (!run.empty()) {
                         const std::string_view character = run.substr(0, char_bytes(run));
                         out +=
                             is_upper(code_point(character)) ? lower(character) : upper(character);
                         run.remove_prefix(character.size());
                       }
                       return out;
                     }));
}

Value join_method(M machine, A a) {
  const Text& separator = a[0].text();
  Text out;
  const std::vector<Value> items = iterate(machine, a[1]);
  for (size_t i = 0; i < items.size(); ++i) {
    if (!items[i].is(Kind::kString)) {
      type_fault("sequence item " + std::to_string(i) + ": expected str instance, " +
                 type_name(items[i]) + " found");
    }
    machine.charge(separator.size() + items[i].view().size());
    if (i > 0) out.append(separator);
    out.append(joined_in(machine, a, items[i]));
  }
  return same_markup(a, std::move(out));
}

Value format_method(M machine, A a) {
  return format_braces(machine, a[0].text(), {{a.rest().begin(), a.rest().end()}, a.named()});
}

// Where what is missing to the width goes.
enum class Fill { kLeft, kRight, kCenter };

Value fill_to_width(M machine, A a, Fill where, std::string_view fallback) {
  const Text fill = a.text(2, fallback);
  if (count_chars(fill.view()) != 1) {
    type_fault("The fill character must be exactly one character long");
  }
  const auto size = static_cast<int64_t>(count_chars(a[0].view()));
  const int64_t width = a.integer(1, 0);
  const int64_t missing = std::max<int64_t>(width - size, 0);
  machine.charge(static_cast<size_t>(missing) * fill.size());
  // Python puts the odd one to the left where the width is odd.
  int64_t left = where == Fill::kLeft ? missing : 0;
  if (where == Fill::kCenter) left = missing / 2 + (missing & width & 1);
  Text out;
  for (int64_t i = 0; i < left; ++i) out.append(fill);
  out.append(a[0].text());
  for (int64_t i = left; i < missing; ++i) out.append(fill);
  return same_markup(a, std::move(out));
}

template <Fill where>
Value fill_method(M machine, A a) {
  return fill_to_width(machine, a, where, " ");
}

Value zfill_method(M machine, A a) {
  const Text& text = a[0].text();
  const bool sign = text.view().starts_with('-') || text.view().starts_with('+');
  const auto size = static_cast<int64_t>(count_chars(text.view()));
  const int64_t missing = std::max<int64_t>(a.integer(1, 0) - size, 0);
  machine.charge(static_cast<size_t>(missing));
  Text out = text.substr(0, sign ? 1 : 0);
  out.append(std::string(static_cast<size_t>(missing), '0'), true);
  out.append(text.substr(sign ? 1 : 0));
  return Value::string(std::move(out));
}

template <bool at_end>
Value remove_affix(M, A a) {
  const Text& text = a[0].text();
  const Text affix = a.text(1, "");
  if (at_end && text.view().ends_with(affix.view())) {
    return Value::string(text.substr(0, text.size() - affix.size()));
  }
  if (!at_end && text.view().starts_with(affix.view())) {
    return Value::string(text.substr(affix.size()));
  }
  return a[0];
}

Value expand_tabs(M machine, A a) {
  const int64_t size = std::clamp<int64_t>(a.integer(1, 8), 0, 64);
  int64_t column = 0;
  Text out;
  a[0].text().each_run([&](std::string_view run, bool trusted) {
    while (!run.empty()) {
      const std::string_view character = run.substr(0, char_bytes(run));
      run.remove_prefix(character.size());
      if (character != "\t") {
        out.append(character, trusted);
        column = character == "\n" ? 0 : column + 1;
        continue;
      }
      const int64_t spaces = size == 0 ? 0 : size - column % size;
      machine.charge(static_cast<size_t>(spaces));
      out.append(std::string(static_cast<size_t>(spaces), ' '), trusted);
      column += spaces;
    }
  });
  return Value::string(std::move(out));
}

// Whether the text is not empty and `holds` for each character.
template <bool (*holds)(int32_t)>
Value every_char(M, A a) {
  std::string_view text = a[0].view();
  if (text.empty()) return Value::boolean(false);
  while (!text.empty()) {
    const std::string_view character = text.substr(0, char_bytes(text));
    if (!holds(code_point(character))) return Value::boolean(false);
    text.remove_prefix(character.size());
  }
  return Value::boolean(true);
}

bool is_alnum(int32_t code) {
  return is_alpha(code) || is_digit(code);
}

bool is_printable(int32_t code) {
  return code == ' ' || (code > 0x20 && code != 0x7F && !is_space(code));
}

// Some letter has a case, and no letter has the other one.
template <bool wants_upper>
Value cased(M, A a) {
  bool any = false;
  std::string_view text = a[0].view();
  while (!text.empty()) {
    const std::string_view character = text.substr(0, char_bytes(text));
    const int32_t code = code_point(character);
    if (wants_upper ? is_lower(code) : is_upper(code)) return Value::boolean(false);
    any = any || (wants_upper ? is_upper(code) : is_lower(code));
    text.remove_prefix(character.size());
  }
  return Value::boolean(any);
}

Value is_ascii_method(M, A a) {
  return Value::boolean(is_ascii(a[0].view()));
}

Value is_title_method(M, A a) {
  bool any = false, after_letter = false;
  std::string_view text = a[0].view();
  while (!text.empty()) {
    const std::string_view character = text.substr(0, char_bytes(text));
    const int32_t code = code_point(character);
    if (after_letter ? is_upper(code) : is_lower(code)) return Value::boolean(false);
    any = any || is_upper(code);
    after_letter = is_alpha(code);
    text.remove_prefix(character.size());
  }
  return Value::boolean(any);
}

constexpr Row kMethods[] = {
    {"strip", "chars?", strip_method<Side::kBoth>},
    {"lstrip", "chars?", strip_method<Side::kLeft>},
    {"rstrip", "chars?", strip_method<Side::kRight>},
    {"split", "sep? maxsplit?", split_method<false>},
    {"rsplit", "sep? maxsplit?", split_method<true>},
    {"splitlines", "keepends?", split_lines_method},
    {"partition", "sep", partition_method<false>},
    {"rpartition", "sep", partition_method<true>},
    {"replace", "old new count?", replace_method},
    {"startswith", "prefix start? end?", affix_method<false>},
    {"endswith", "suffix start? end?", affix_method<true>},
    {"removeprefix", "prefix", remove_affix<false>},
    {"removesuffix", "suffix", remove_affix<true>},
    {"find", "sub start? end?", find_method_of<false, false>},
    {"rfind", "sub start? end?", find_method_of<true, false>},
    {"index", "sub start? end?", find_method_of<false, true>},
    {"rindex", "sub start? end?", find_method_of<true, true>},
    {"count", "sub start? end?", count_method},
    {"upper", "", upper_method},
    {"lower", "", lower_method},
    {"casefold", "", lower_method},
    {"title", "", title_method},
    {"capitalize", "", capitalize_method},
    {"swapcase", "", swapcase_method},
    {"join", "iterable", join_method},
    {"format", "* **", format_method},
    {"ljust", "width fillchar?", fill_method<Fill::kRight>},
    {"rjust", "width fillchar?", fill_method<Fill::kLeft>},
    {"center", "width fillchar?", fill_method<Fill::kCenter>},
    {"zfill", "width", zfill_method},
    {"expandtabs", "tabsize?", expand_tabs},
};

constexpr Row kChecks[] = {
    {"isspace", "", every_char<is_space>},
    {"isalpha", "", every_char<is_alpha>},
    {"isdigit", "", every_char<is_digit>},
    {"isdecimal", "", every_char<is_digit>},
    {"isnumeric", "", every_char<is_digit>},
    {"isalnum", "", every_char<is_alnum>},
    {"isprintable", "", every_char<is_printable>},
    {"isascii", "", is_ascii_method},
    {"isupper", "", cased<true>},
    {"islower", "", cased<false>},
    {"istitle", "", is_title_method},
};

}  // namespace

std::span<const Row> string_methods() {
  return kMethods;
}

std::span<const Row> string_checks() {
  return kChecks;
}

}  // namespace chasqui::jinja
