#include "grammar/internal/number.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>

namespace chasqui::grammar {
namespace {

// Exponents beyond double's range count as this much.
constexpr int64_t kMaxExponent = 5000;

// Digits that a number may still gain; enough for 64 bits and more than a double tells apart.
constexpr int kMoreDigits = 24;

void trim(Decimal& number) {
  const size_t first = number.digits.find_first_not_of('0');
  if (first == std::string::npos) {
    number = {};
    return;
  }
  number.digits.erase(0, first);
  while (number.digits.back() == '0') {
    number.digits.pop_back();
    ++number.exponent;
  }
}

int compare_size(const Decimal& a, const Decimal& b) {
  if (a.digits.empty() || b.digits.empty()) {
    return static_cast<int>(!a.digits.empty()) - static_cast<int>(!b.digits.empty());
  }
  const int64_t top_a = a.exponent + static_cast<int64_t>(a.digits.size());
  const int64_t top_b = b.exponent + static_cast<int64_t>(b.digits.size());
  if (top_a != top_b) return top_a < top_b ? -1 : 1;
  const int order = a.digits.compare(b.digits);  // without trailing zeros, so a prefix is smaller
  return order < 0 ? -1 : order > 0 ? 1 : 0;
}

// digits x 10^shift modulo m.
uint64_t remainder(const std::string& digits, int64_t shift, uint64_t m) {
  __extension__ using Wide = unsigned __int128;
  Wide value = 0;
  for (const char digit : digits) value = (value * 10 + static_cast<unsigned>(digit - '0')) % m;
  for (int64_t i = 0; i < shift; ++i) value = value * 10 % m;
  return static_cast<uint64_t>(value);
}

// What a number that begins with `text` (no exponent yet) may reach without one: from the text
// itself, `more` digits longer, up to all nines.
struct Reach {
  Decimal low;
  Decimal high;  // with fractions: everything below the next number, too
};

Reach reach(std::string_view text, int more) {
  std::string low(text);
  std::string high(text);
  low.append(static_cast<size_t>(more), '0');
  high.append(static_cast<size_t>(more), '9');
  return {Decimal::parse(low), Decimal::parse(high)};
}

// Bounds of the absolute value.
struct Bounds {
  const std::optional<Decimal>* least;
  const std::optional<Decimal>* most;
  bool above_least;
  bool below_most;
};

Decimal flipped(Decimal number, bool flip) {
  if (flip && !number.digits.empty()) number.negative = !number.negative;
  return number;
}

// `open_top`: values above `range.high` (but not the next number of as many digits) count too.
bool meets(const Reach& range, const Bounds& bounds, bool flip, bool open_top) {
  if (*bounds.most) {
    const int order = compare(range.low, flipped(**bounds.most, flip));
    if (order > 0 || (order == 0 && bounds.below_most)) return false;
  }
  if (*bounds.least) {
    const int order = compare(range.high, flipped(**bounds.least, flip));
    if (order == 0 && bounds.above_least && !open_top) return false;
    if (order < 0 && !open_top) return false;
    if (order < 0) {  // high = x.99...9: the bound may lie above it, but below the next number
      Decimal next = range.high;
      size_t i = next.digits.size();
      while (i > 0 && next.digits[i - 1] == '9') next.digits[--i] = '0';
      if (i > 0) {
        ++next.digits[i - 1];
      } else {
        next.digits.insert(0, "1");
      }
      trim(next);
      if (compare(next, flipped(**bounds.least, flip)) <= 0) return false;
    }
  }
  return true;
}

bool exponent_may_do(const NumberRules& rules, std::string_view prefix) {
  const size_t at = prefix.find_first_of("eE");
  const std::string_view begun = prefix.substr(at + 1);
  const std::string mantissa(prefix.substr(0, at));
  for (int value = -40; value <= 310; ++value) {
    for (const char* sign : {"", "+"}) {
      const std::string exponent = fmt::format("{}{}", value < 0 ? "" : sign, value);
      if (!exponent.starts_with(begun)) continue;
      if (rules.accepts(mantissa + "e" + exponent)) return true;
    }
    // Python writes 1e-05.
    const std::string padded = fmt::format("{}0{}", value < 0 ? "-" : "+", std::abs(value));
    if (padded.starts_with(begun) && rules.accepts(mantissa + "e" + padded)) return true;
  }
  return false;
}

}  // namespace

Decimal Decimal::parse(std::string_view text) {
  Decimal number;
  if (text.starts_with('-')) {
    number.negative = true;
    text.remove_prefix(1);
  }
  const size_t e = std::min(text.find_first_of("eE"), text.size());
  if (e < text.size()) {
    const int64_t exponent = std::strtoll(std::string(text.substr(e + 1)).c_str(), nullptr, 10);
    number.exponent = std::clamp(exponent, -kMaxExponent, kMaxExponent);
  }
  bool in_fraction = false;
  for (const char c : text.substr(0, e)) {
    if (c == '.') {
      in_fraction = true;
      continue;
    }
    number.digits.push_back(c);
    if (in_fraction) --number.exponent;
  }
  trim(number);
  return number;
}

int compare(const Decimal& a, const Decimal& b) {
  if (a.negative != b.negative) return a.negative ? -1 : 1;
  const int size = compare_size(a, b);
  return a.negative ? -size : size;
}

std::optional<bool> is_multiple(const Decimal& a, const Decimal& b) {
  if (a.digits.empty()) return true;
  if (b.digits.size() > 18) return std::nullopt;
  uint64_t m = std::strtoull(b.digits.c_str(), nullptr, 10);
  int64_t shift = a.exponent - b.exponent;
  // Below b's last place: scale b up instead. Beyond 18 digits a would have to be that long too.
  for (; shift < 0; ++shift) {
    if (m > UINT64_MAX / 10) return std::nullopt;
    m *= 10;
  }
  if (shift > 2 * kMaxExponent) return std::nullopt;
  return remainder(a.digits, shift, m) == 0;
}

bool NumberRules::accepts(std::string_view text) const {
  const Decimal number = Decimal::parse(text);
  if (integers_only && !number.is_integer()) return false;
  if (values) {
    const auto is_it = [&](const std::string& value) { return Decimal::parse(value) == number; };
    if (std::ranges::none_of(*values, is_it)) return false;
  }
  if (least) {
    const int order = compare(number, *least);
    if (order < 0 || (order == 0 && above_least)) return false;
  }
  if (most) {
    const int order = compare(number, *most);
    if (order > 0 || (order == 0 && below_most)) return false;
  }
  return std::ranges::all_of(
      multiple_of, [&](const Decimal& unit) { return is_multiple(number, unit).value_or(false); });
}

bool NumberRules::may_become(std::string_view prefix) const {
  if (prefix.size() > kMaxNumberText) return false;
  if (values) {
    const auto begins = [&](const std::string& value) { return value.starts_with(prefix); };
    return std::ranges::any_of(*values, begins);
  }
  if (prefix.empty()) {
    if (!least || !most) return true;
    const int order = compare(*least, *most);
    return order < 0 || (order == 0 && !above_least && !below_most);
  }
  if (prefix.find_first_of("eE") != std::string_view::npos) return exponent_may_do(*this, prefix);
  const bool flip = prefix.starts_with('-');
  const std::string_view size = flip ? prefix.substr(1) : prefix;
  const Bounds bounds = flip ? Bounds{&most, &least, below_most, above_least}
                             : Bounds{&least, &most, above_least, below_most};
  if (size.empty()) {  // "-": zero and everything below
    if (!least) return true;
    return compare(*least, {}) < 0 || (compare(*least, {}) == 0 && !above_least);
  }
  const bool has_point = size.find('.') != std::string_view::npos;
  if (integers_only && has_point) return false;
  if (size.size() >= kMaxNumberText) return accepts(prefix);
  const bool may_grow = size != "0" && !has_point;
  for (int more = 0; more <= (may_grow ? kMoreDigits : 0); ++more) {
    const Reach range =
        reach(has_point && size.ends_with('.') ? size.substr(0, size.size() - 1) : size, more);
    if (!meets(range, bounds, flip, !integers_only)) continue;
    // A whole number that is complete and no multiple may still grow.
    if (more == 0 && integers_only && !accepts(prefix)) continue;
    return true;
  }
  // An exponent may help where numbers are so small or large that they are written with one anyway;
  // elsewhere it would only excuse numbers that are out of range.
  const bool is_small = *bounds.most && compare_size(**bounds.most, {false, "1", -4}) < 0;
  const bool is_large = *bounds.least && compare_size(**bounds.least, {false, "1", 16}) >= 0;
  return !integers_only && (is_small || is_large) && size.size() < 20 && !size.ends_with('.') &&
         exponent_may_do(*this, std::string(prefix) + "e");
}

}  // namespace chasqui::grammar
