// Python's formatting: the `%` operator, str.format and the format specification mini-language
// (https://docs.python.org/3/library/string.html#formatspec), as far as texts and numbers go.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "jinja/internal/fault.h"
#include "jinja/internal/operators.h"
#include "jinja/internal/print.h"
#include "jinja/internal/text_work.h"
#include "jinja/internal/unicode.h"

namespace chasqui::jinja {
namespace {

constexpr int kMaxPrecision = 400;

// [[fill]align][sign][#][0][width][,][.precision][type]
struct Spec {
  std::string fill = " ";
  char align = 0;
  char sign = '-';
  bool alternate = false;
  int64_t width = 0;
  char grouping = 0;
  int64_t precision = -1;
  char type = 0;
};

bool is_align(char c) {
  return c == '<' || c == '>' || c == '^' || c == '=';
}

int64_t read_number(std::string_view& text) {
  int64_t number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc::result_out_of_range) limit_fault("a width is too large");
  text.remove_prefix(static_cast<size_t>(rest - text.data()));
  return number;
}

bool starts_number(std::string_view text) {
  return !text.empty() && text[0] >= '0' && text[0] <= '9';
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text[0] != c) return false;
  text.remove_prefix(1);
  return true;
}

Spec parse_spec(std::string_view text) {
  Spec spec;
  const size_t fill = char_bytes(text);
  if (fill < text.size() && is_align(text[fill])) {
    spec.fill = text.substr(0, fill);
    spec.align = text[fill];
    text.remove_prefix(fill + 1);
  } else if (!text.empty() && is_align(text[0])) {
    spec.align = text[0];
    text.remove_prefix(1);
  }
  if (!text.empty() && (text[0] == '+' || text[0] == '-' || text[0] == ' ')) {
    spec.sign = text[0];
    text.remove_prefix(1);
  }
  spec.alternate = take(text, '#');
  if (take(text, '0') && spec.align == 0) {
    spec.fill = "0";
    spec.align = '=';
  }
  if (starts_number(text)) spec.width = read_number(text);
  if (!text.empty() && (text[0] == ',' || text[0] == '_')) {
    spec.grouping = text[0];
    text.remove_prefix(1);
  }
  if (take(text, '.')) {
    if (!starts_number(text)) type_fault("format specification misses its precision");
    spec.precision = read_number(text);
  }
  if (text.size() == 1) {
    spec.type = text[0];
  } else if (!text.empty()) {
    type_fault("invalid format specification");
  }
  return spec;
}

// Puts `body` (after `sign`) into the field's width.
Text pad(Machine& machine, const Spec& spec, std::string_view sign, const Text& body, char align) {
  const auto used = static_cast<int64_t>(count_chars(body.view()) + sign.size());
  const int64_t missing = std::max<int64_t>(spec.width - used, 0);
  machine.charge(body.size() + static_cast<size_t>(missing) * spec.fill.size());
  int64_t before = align == '>' ? missing : (align == '^' ? missing / 2 : 0);
  Text out;
  for (int64_t i = 0; i < before; ++i) out.append(spec.fill, true);
  out.append(sign, true);
  if (align == '=') {
    for (; before < missing; ++before) out.append(spec.fill, true);
  }
  out.append(body);
  for (; before < missing; ++before) out.append(spec.fill, true);
  return out;
}

std::string group_digits(std::string digits, char separator) {
  if (separator == 0) return digits;
  size_t end = std::min(digits.find_first_of(".e"), digits.size());
  while (end > 3) {
    end -= 3;
    digits.insert(end, 1, separator);
  }
  return digits;
}

std::string integer_digits(uint64_t magnitude, const Spec& spec) {
  int base = 10;
  std::string prefix;
  if (spec.type == 'x' || spec.type == 'X') base = 16, prefix = "0x";
  if (spec.type == 'o') base = 8, prefix = "0o";
  if (spec.type == 'b') base = 2, prefix = "0b";
  std::array<char, 70> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), magnitude, base);
  std::string digits(buffer.data(), end.ptr);
  digits = group_digits(digits, spec.grouping);
  if (spec.alternate) digits = prefix + digits;
  return spec.type == 'X' ? upper(digits) : digits;
}

std::string float_digits(double magnitude, const Spec& spec) {
  if (std::isnan(magnitude)) return "nan";
  if (std::isinf(magnitude)) return "inf";
  if (spec.precision > kMaxPrecision) limit_fault("a precision is too large");
  if (spec.type == 0 && spec.precision < 0) {
    return group_digits(float_text(magnitude), spec.grouping);
  }
  const char type = spec.type == '%' ? 'f' : (spec.type == 0 || spec.type == 'n' ? 'g' : spec.type);
  if (std::string_view("eEfFgG").find(type) == std::string_view::npos) {
    type_fault("unknown format code for a float");
  }
  const char format[] = {'%', '.', '*', type, 0};
  const int precision = spec.precision < 0 ? 6 : static_cast<int>(spec.precision);
  const double scaled = spec.type == '%' ? magnitude * 100 : magnitude;
  std::array<char, 800> buffer{};
  const int size = std::snprintf(buffer.data(), buffer.size(), format, precision, scaled);
  std::string digits(buffer.data(), static_cast<size_t>(size));
  return group_digits(digits, spec.grouping) + (spec.type == '%' ? "%" : "");
}

Text format_number(Machine& machine, const Value& value, const Spec& spec) {
  const bool as_float = value.is(Kind::kFloat) ||
                        std::string_view("eEfFgG%").find(spec.type) != std::string_view::npos;
  std::string digits;
  bool negative = false;
  if (as_float && spec.type != 0) {
    negative = std::signbit(as_double(value));
    digits = float_digits(std::fabs(as_double(value)), spec);
  } else if (as_float) {
    negative = std::signbit(value.as_float());
    digits = float_digits(std::fabs(value.as_float()), spec);
  } else {
    const int64_t number = value.is(Kind::kBool) ? (value.as_bool() ? 1 : 0) : value.as_int();
    negative = number < 0;
    digits = integer_digits(
        negative ? 0 - static_cast<uint64_t>(number) : static_cast<uint64_t>(number), spec);
  }
  std::string sign = negative ? "-" : "";
  if (!negative && spec.sign != '-') sign = spec.sign;
  return pad(machine, spec, sign, Text(digits, value.trusted()),
             spec.align != 0 ? spec.align : '>');
}

Text format_string(Machine& machine, const Text& text, const Spec& spec) {
  Text body = text;
  if (spec.precision >= 0) {
    const std::vector<size_t> offsets = char_offsets(text.view());
    const size_t kept = std::min(static_cast<size_t>(spec.precision), offsets.size() - 1);
    body = text.substr(0, offsets[kept]);
  }
  return pad(machine, spec, "", body, spec.align != 0 && spec.align != '=' ? spec.align : '<');
}

// Reads "%(name)-5.2f" and its like from a format, and writes what it stands for.
class PercentFormatter {
 public:
  PercentFormatter(Machine& machine, const String& format, const Value& values)
      : machine_(machine),
        format_(format.text),
        markup_(format.markup),
        rest_(format.text.view()),
        values_(values) {
    if (values.is(Kind::kList) && values.as_list().kind == ListKind::kTuple) {
      arguments_ = values.items();
    } else {
      arguments_ = {values};
    }
  }

  Text run() {
    while (!rest_.empty()) {
      const size_t plain = std::min(rest_.find('%'), rest_.size());
      out_.append(format_, place(), plain);
      rest_.remove_prefix(plain);
      if (rest_.empty()) break;
      rest_.remove_prefix(1);
      one();
    }
    if (used_ < arguments_.size() && !values_.is(Kind::kDict)) {
      type_fault("not all arguments converted during string formatting");
    }
    return std::move(out_);
  }

 private:
  size_t place() const { return format_.size() - rest_.size(); }

  void one() {
    machine_.step();
    std::optional<Value> chosen = named();
    Spec spec = flags();
    if (take(rest_, '*')) {
      spec.width = star();
    } else if (starts_number(rest_)) {
      spec.width = read_number(rest_);
    }
    if (take(rest_, '.')) {
      spec.precision = take(rest_, '*') ? star() : (starts_number(rest_) ? read_number(rest_) : 0);
    }
    while (!rest_.empty() && std::string_view("hlL").find(rest_[0]) != std::string_view::npos) {
      rest_.remove_prefix(1);
    }
    if (rest_.empty()) type_fault("incomplete format");
    const char type = rest_[0];
    rest_.remove_prefix(1);
    if (type == '%') return out_.append("%", true);
    write(chosen ? *chosen : next(), spec, type);
  }

  std::optional<Value> named() {
    if (!take(rest_, '(')) return std::nullopt;
    const size_t end = rest_.find(')');
    if (end == std::string_view::npos) type_fault("incomplete format key");
    if (!values_.is(Kind::kDict)) type_fault("format requires a mapping");
    const std::string_view key = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    const Value* found = values_.as_dict().find(key);
    if (found == nullptr) type_fault("no value for format key '" + std::string(key) + "'");
    return *found;
  }

  Spec flags() {
    Spec spec;
    spec.align = '>';
    for (;;) {
      if (take(rest_, '-')) {
        spec.align = '<';
        spec.fill = " ";
      } else if (take(rest_, '0')) {
        if (spec.align != '<') spec.align = '=', spec.fill = "0";
      } else if (take(rest_, '+')) {
        spec.sign = '+';
      } else if (take(rest_, ' ')) {
        spec.sign = ' ';
      } else if (take(rest_, '#')) {
        spec.alternate = true;
      } else {
        return spec;
      }
    }
  }

  Value next() {
    if (used_ >= arguments_.size()) type_fault("not enough arguments for format string");
    return arguments_[used_++];
  }

  int64_t star() {
    const Value value = next();
    if (!value.is(Kind::kInt)) type_fault("* wants int");
    return std::max<int64_t>(value.as_int(), 0);
  }

  void write(const Value& value, Spec spec, char type) {
    if (type == 's' || type == 'r' || type == 'a') {
      if (spec.align == '=') spec.align = '>';
      spec.fill = " ";
      Text text = type == 's' ? to_text(machine_, value) : repr(machine_, value);
      const bool escaped = markup_ && !(value.is(Kind::kString) && value.as_string().markup);
      if (escaped) text = escape_markup(machine_, text);
      return out_.append(format_string(machine_, text, spec));
    }
    if (type == 'c') {
      if (value.is(Kind::kString)) return out_.append(format_string(machine_, value.text(), spec));
      std::string bytes;
      if (!value.is(Kind::kInt) || value.as_int() < 0 || value.as_int() > 0x10FFFF) {
        type_fault("%c requires int or char");
      }
      append_code_point(bytes, static_cast<int32_t>(value.as_int()));
      return out_.append(format_string(machine_, Text(bytes, value.trusted()), spec));
    }
    if (std::string_view("diuoxXeEfFgG").find(type) == std::string_view::npos) {
      type_fault("unsupported format character '" + std::string(1, type) + "'");
    }
    require_defined(value);
    if (!value.is_number()) {
      type_fault("%" + std::string(1, type) + " format: a number is required, not " +
                 type_name(value));
    }
    const bool whole = std::string_view("diu").find(type) != std::string_view::npos;
    spec.type = whole ? 'd' : type;
    const bool cut =
        value.is(Kind::kFloat) && std::string_view("diuoxX").find(type) != std::string_view::npos;
    if (cut && !(std::fabs(value.as_float()) < 9e18)) type_fault("cannot convert float to integer");
    const Value number =
        cut ? Value::integer(static_cast<int64_t>(value.as_float())).with_trust(value.trusted())
            : value;
    if (!number.is(Kind::kFloat)) spec.precision = whole ? -1 : spec.precision;
    out_.append(format_number(machine_, number, spec));
  }

  Machine& machine_;
  const Text& format_;
  const bool markup_;
  std::string_view rest_;  // of the format
  const Value& values_;
  std::vector<Value> arguments_;
  size_t used_ = 0;
  Text out_;
};

// str.format: "{}", "{0}", "{name.attribute[key]!r:spec}".
class BraceFormatter {
 public:
  BraceFormatter(Machine& machine, const Text& format, const Passed& passed)
      : machine_(machine), format_(format), passed_(passed) {}

  Text run() {
    const std::string_view text = format_.view();
    for (size_t at = 0; at < text.size();) {
      const size_t plain = std::min(text.find_first_of("{}", at), text.size());
      out_.append(format_, at, plain - at);
      at = plain;
      if (at == text.size()) break;
      if (text.substr(at).starts_with("{{") || text.substr(at).starts_with("}}")) {
        out_.append(format_, at, 1);
        at += 2;
        continue;
      }
      if (text[at] == '}') type_fault("Single '}' encountered in format string");
      const size_t end = field_end(text, at);
      field(text.substr(at + 1, end - at - 1));
      at = end + 1;
    }
    return std::move(out_);
  }

 private:
  static size_t field_end(std::string_view text, size_t begin) {
    int depth = 0;
    for (size_t at = begin; at < text.size(); ++at) {
      if (text[at] == '{') ++depth;
      if (text[at] == '}' && --depth == 0) return at;
    }
    type_fault("Single '{' encountered in format string");
  }

  void field(std::string_view text) {
    machine_.step();
    const size_t colon = std::min(text.find(':'), text.size());
    std::string_view head = text.substr(0, colon);
    std::string spec(colon < text.size() ? text.substr(colon + 1) : std::string_view());
    char conversion = 0;
    const size_t mark = head.find('!');
    if (mark != std::string_view::npos) {
      conversion = mark + 1 < head.size() ? head[mark + 1] : 's';
      head = head.substr(0, mark);
    }
    // A specification may itself name arguments, as in "{:>{width}}".
    for (size_t at = spec.find('{'); at != std::string::npos; at = spec.find('{', at)) {
      const size_t end = spec.find('}', at);
      if (end == std::string::npos) type_fault("expected '}' before end of string");
      const Text inner =
          to_text(machine_, look_up(std::string_view(spec).substr(at + 1, end - at - 1)));
      spec.replace(at, end - at + 1, inner.view());
      at += inner.size();
    }
    const Value value = look_up(head);
    if (conversion == 0) return out_.append(format_value(machine_, value, spec));
    const Text text_of = conversion == 's' ? to_text(machine_, value) : repr(machine_, value);
    out_.append(format_value(machine_, Value::string(text_of), spec));
  }

  Value look_up(std::string_view path) {
    const size_t end = std::min(path.find_first_of(".["), path.size());
    Value value = first(path.substr(0, end));
    path.remove_prefix(end);
    while (!path.empty()) {
      if (path[0] == '.') {
        path.remove_prefix(1);
        const size_t stop = std::min(path.find_first_of(".["), path.size());
        value = get_attribute(machine_, value, path.substr(0, stop));
        path.remove_prefix(stop);
        continue;
      }
      const size_t stop = path.find(']');
      if (path[0] != '[' || stop == std::string_view::npos)
        type_fault("bad field in format string");
      std::string_view key = path.substr(1, stop - 1);
      const Value as_key = starts_number(key) ? Value::integer(read_number(key))
                                              : Value::string(std::string(key), Origin::kTemplate);
      value = get_item(machine_, value, as_key);
      path.remove_prefix(stop + 1);
    }
    return value;
  }

  Value first(std::string_view name) {
    if (name.empty() || starts_number(name)) {
      const int64_t index = name.empty() ? next_++ : read_number(name);
      if (index >= static_cast<int64_t>(passed_.positional.size())) {
        type_fault("Replacement index " + std::to_string(index) +
                   " out of range for positional args tuple");
      }
      return passed_.positional[static_cast<size_t>(index)];
    }
    for (const auto& [known, value] : passed_.named) {
      if (known == name) return value;
    }
    type_fault("no value for format field '" + std::string(name) + "'");
  }

  Machine& machine_;
  const Text& format_;
  const Passed& passed_;
  int64_t next_ = 0;
  Text out_;
};

}  // namespace

Value format_percent(Machine& machine, const String& format, const Value& values) {
  return Value::string(PercentFormatter(machine, format, values).run(), format.markup);
}

Value format_braces(Machine& machine, const Text& format, const Passed& passed) {
  return Value::string(BraceFormatter(machine, format, passed).run());
}

Text format_value(Machine& machine, const Value& value, std::string_view text) {
  if (text.empty()) return to_text(machine, value);
  const Spec spec = parse_spec(text);
  if (value.is(Kind::kString)) {
    if (spec.type != 0 && spec.type != 's') type_fault("unknown format code for a str");
    return format_string(machine, value.text(), spec);
  }
  if (value.is_number()) return format_number(machine, value, spec);
  return format_string(machine, to_text(machine, value), spec);
}

}  // namespace chasqui::jinja
