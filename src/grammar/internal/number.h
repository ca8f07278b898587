// JSON numbers as text: exact decimal comparison, and what a number that is still being written
// may become.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace chasqui::grammar {

// digits x 10^exponent with a sign; digits without leading and trailing zeros, "" for zero.
struct Decimal {
  bool negative = false;
  std::string digits;
  int64_t exponent = 0;

  // `text`: a JSON number.
  static Decimal parse(std::string_view text);
  bool is_integer() const { return exponent >= 0 || digits.empty(); }
  bool operator==(const Decimal&) const = default;
};

// -1, 0 or 1, as a is below, equal to or above b.
int compare(const Decimal& a, const Decimal& b);
// Whether a / b is whole. b is above 0; nullopt when the numbers are too long to tell.
std::optional<bool> is_multiple(const Decimal& a, const Decimal& b);

struct NumberRules {
  bool integers_only = false;
  std::optional<Decimal> least;
  std::optional<Decimal> most;
  bool above_least = false;  // exclusive
  bool below_most = false;
  std::vector<Decimal> multiple_of;
  // When set, only these, spelled so.
  std::optional<std::vector<std::string>> values;

  bool accepts(std::string_view text) const;
  // Whether some text that begins with `prefix` is accepted: never false where one is, and true
  // where none is only for multiples. REQUIRES: prefix begins a JSON number.
  bool may_become(std::string_view prefix) const;
  // Whether every number that begins with `prefix` is accepted, as far as sign and size go.
  bool takes_all(std::string_view prefix) const {
    const bool has_sign_only = !most && multiple_of.empty() && !values && !prefix.starts_with('-');
    return has_sign_only && (!least || (compare(*least, {}) <= 0 && !above_least));
  }
};

// Longest number that is written where rules apply; longer ones are refused.
inline constexpr size_t kMaxNumberText = 48;

}  // namespace chasqui::grammar
