// house-numbers: table
// Filters to numbers and on numbers.
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>

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

constexpr double kBeyondInt64 = 9223372036854775808.0;  // 2^63

// A number's text as std::from_chars takes it: without space around it, a plus sign, and single "_"
// between digits. nullopt where Python would not take it either.
std::optional<std::string> bare_number(std::string_view text) {
  text.remove_prefix(leading_space(text));
  text.remove_suffix(trailing_space(text));
  if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-')) return std::nullopt;
  }
  std::string bare;
  for (size_t at = 0; at < text.size(); ++at) {
    const bool joint = text[at] == '_' && at > 0 && at + 1 < text.size() && text[at - 1] != '_';
    if (!joint) bare += text[at];
  }
  return bare;
}

std::optional<int64_t> parse_int(std::string_view text, int base) {
  const auto bare = bare_number(text);
  if (!bare) return std::nullopt;
  std::string_view digits = *bare;
  for (const auto& [prefix, of_base] : {std::pair("0x", 16), {"0o", 8}, {"0b", 2}}) {
    if (base == of_base && lower(digits.substr(0, 2)) == prefix) digits.remove_prefix(2);
  }
  int64_t value = 0;
  const char* last = digits.data() + digits.size();
  const auto [end, error] = std::from_chars(digits.data(), last, value, base);
  return error == std::errc() && end == last ? std::optional(value) : std::nullopt;
}

std::optional<double> parse_float(std::string_view text) {
  const auto bare = bare_number(text);
  if (!bare) return std::nullopt;
  double value = 0;
  const char* last = bare->data() + bare->size();
  const auto [end, error] = std::from_chars(bare->data(), last, value);
  return error == std::errc() && end == last ? std::optional(value) : std::nullopt;
}

std::optional<int64_t> whole_part(double value) {
  if (!(std::fabs(value) < kBeyondInt64)) return std::nullopt;
  return static_cast<int64_t>(value);
}

bool is_trusted(const Value& value) {
  return value.is(Kind::kString) ? value.text().trusted() : value.trusted();
}

Value int_filter(M, A a) {
  require_defined(a[0]);
  const int64_t base = a.integer(2, 10);
  if (base < 2 || base > 36) type_fault("int() base must be from 2 to 36");
  std::optional<int64_t> value;
  if (a[0].is(Kind::kFloat)) {
    value = whole_part(a[0].as_float());
  } else if (a[0].is_number()) {
    value = a[0].is(Kind::kBool) ? (a[0].as_bool() ? 1 : 0) : a[0].as_int();
  } else if (a[0].is(Kind::kString)) {
    value = parse_int(a[0].view(), static_cast<int>(base));
    const auto number = value ? std::nullopt : parse_float(a[0].view());
    if (number) value = whole_part(*number);
  }
  if (!value) return a.given(1) ? a[1] : Value::integer(0);
  return Value::integer(*value).with_trust(is_trusted(a[0]));
}

Value float_filter(M, A a) {
  require_defined(a[0]);
  std::optional<double> value;
  if (a[0].is_number()) value = as_double(a[0]);
  if (a[0].is(Kind::kString)) value = parse_float(a[0].view());
  if (!value) return a.given(1) ? a[1] : Value::number(0);
  return Value::number(*value).with_trust(is_trusted(a[0]));
}

Value abs_filter(M, A a) {
  require_defined(a[0]);
  if (!a[0].is_number()) type_fault("bad operand type for abs(): '" + type_name(a[0]) + "'");
  return as_double(a[0]) < 0 ? negate(a[0]) : a[0];
}

// Python rounds the exact decimal value, halves to even: so does printf.
double round_common(double value, int64_t precision) {
  if (!std::isfinite(value) || precision > 300) return value;
  if (precision < 0) {
    const double scale = std::pow(10.0, static_cast<double>(-precision));
    return std::nearbyint(value / scale) * scale;
  }
  std::array<char, 700> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%.*f", static_cast<int>(precision), value);
  return std::strtod(buffer.data(), nullptr);
}

Value round_filter(M, A a) {
  require_defined(a[0]);
  if (!a[0].is_number()) type_fault("round() needs a number, not " + type_name(a[0]));
  const int64_t precision = a.integer(1, 0);
  const Text method = a.text(2, "common");
  const bool up = method.view() == "ceil", down = method.view() == "floor";
  if (!up && !down && method.view() != "common") {
    type_fault("round() method must be common, ceil or floor");
  }
  if (!up && !down) {
    if (!a[0].is(Kind::kFloat) && precision >= 0) return a[0];
    const double rounded = round_common(as_double(a[0]), precision);
    const bool whole = !a[0].is(Kind::kFloat);
    return (whole ? Value::integer(whole_part(rounded).value_or(0)) : Value::number(rounded))
        .with_trust(a[0].trusted());
  }
  const double scale = std::pow(10.0, static_cast<double>(precision));
  const double scaled = as_double(a[0]) * scale;
  return Value::number((up ? std::ceil(scaled) : std::floor(scaled)) / scale)
      .with_trust(a[0].trusted());
}

Value file_size_filter(M machine, A a) {
  require_defined(a[0]);
  const double bytes = a[0].is_number() ? as_double(a[0]) : 0;
  const bool binary = a.boolean(1, false);
  const double base = binary ? 1024 : 1000;
  if (bytes == 1) return Value::string("1 Byte", Origin::kTemplate);
  if (bytes < base) {
    Text out = format_value(machine, Value::integer(whole_part(bytes).value_or(0)), "");
    out.append(" Bytes", true);
    return Value::string(std::move(out));
  }
  constexpr std::array<const char*, 8> kDecimal = {"kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"};
  constexpr std::array<const char*, 8> kBinary = {"KiB", "MiB", "GiB", "TiB",
                                                  "PiB", "EiB", "ZiB", "YiB"};
  double unit = base;
  size_t at = 0;
  while (at + 1 < kDecimal.size() && bytes >= unit * base) unit *= base, ++at;
  Text out = format_value(machine, Value::number(bytes / unit), ".1f");
  out.append(std::string(" ") + (binary ? kBinary : kDecimal)[at], true);
  return Value::string(std::move(out));
}

constexpr Row kRows[] = {
    {"int", "default? base?", int_filter},
    {"float", "default?", float_filter},
    {"abs", "", abs_filter},
    {"round", "precision? method?", round_filter},
    {"filesizeformat", "binary?", file_size_filter},
};

}  // namespace

std::span<const Row> number_filters() {
  return kRows;
}

}  // namespace chasqui::jinja
