// Half and bfloat16 against twins that work with values instead of bits.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "base/rng.h"
#include "quant/quant_type.h"

namespace chasqui::quant {
namespace {

// A 16-bit format: how many bits of mantissa, and the exponent of its smallest normal number.
struct Format {
  int mantissa_bits;
  int min_exponent;
  uint16_t infinity;
};
constexpr Format kHalf = {10, -14, 0x7c00};
constexpr Format kBfloat = {7, -126, 0x7f80};

// The definition of IEEE 754, term by term.
double slow_value(const Format& format, uint16_t bits) {
  const int mantissa = bits & ((1 << format.mantissa_bits) - 1);
  const int exponent = (bits & 0x7fff) >> format.mantissa_bits;
  const double sign = (bits & 0x8000) != 0 ? -1.0 : 1.0;
  if ((bits & 0x7fff) >= format.infinity) {
    return mantissa != 0 ? std::numeric_limits<double>::quiet_NaN()
                         : sign * std::numeric_limits<double>::infinity();
  }
  const double fraction = std::ldexp(mantissa, -format.mantissa_bits);
  if (exponent == 0) return sign * std::ldexp(fraction, format.min_exponent);
  return sign * std::ldexp(1.0 + fraction, exponent - 1 + format.min_exponent);
}

// The nearest code of a finite value >= 0, by bisection over the codes, which rise with the value;
// of two equally near ones the even one. Infinity stands where the next number would be.
uint16_t slow_nearest(const Format& format, double value) {
  const auto at = [&](uint16_t code) {
    if (code < format.infinity) return slow_value(format, code);
    return std::ldexp(1.0,
                      1 + ((format.infinity >> format.mantissa_bits) - 2) + format.min_exponent);
  };
  uint16_t low = 0;
  uint16_t high = format.infinity;
  if (value >= at(high)) return high;
  while (high - low > 1) {
    const auto middle = static_cast<uint16_t>((low + high) / 2);
    (at(middle) <= value ? low : high) = middle;
  }
  const double below = value - at(low);
  const double above = at(high) - value;
  if (below != above) return below < above ? low : high;
  return low % 2 == 0 ? low : high;
}

TEST(Half, EveryCodeHasItsValue) {
  for (int code = 0; code < 65536; ++code) {
    const auto bits = static_cast<uint16_t>(code);
    const double half = slow_value(kHalf, bits);
    const double bfloat = slow_value(kBfloat, bits);
    if (std::isnan(half)) {
      ASSERT_TRUE(std::isnan(half_to_float(bits))) << code;
    } else {
      ASSERT_EQ(half_to_float(bits), half) << code;
      ASSERT_EQ(std::signbit(half_to_float(bits)), std::signbit(half)) << code;
      ASSERT_EQ(float_to_half(half_to_float(bits)), bits);
    }
    if (std::isnan(bfloat)) {
      ASSERT_TRUE(std::isnan(bfloat16_to_float(bits))) << code;
    } else {
      ASSERT_EQ(bfloat16_to_float(bits), bfloat) << code;
      ASSERT_EQ(float_to_bfloat16(bfloat16_to_float(bits)), bits);
    }
  }
}

void expect_rounded(float value) {
  const uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  const double size = std::fabs(double{value});
  ASSERT_EQ(float_to_half(value), slow_nearest(kHalf, size) | sign) << value;
  ASSERT_EQ(float_to_bfloat16(value), slow_nearest(kBfloat, size) | sign) << value;
}

// Around every border between two codes of either format: the border itself and its neighbours.
TEST(Half, RoundsToNearestEvenAtEveryBorder) {
  for (const Format& format : {kHalf, kBfloat}) {
    for (uint16_t code = 0; code < format.infinity; ++code) {
      const double next =
          code + 1 < format.infinity
              ? slow_value(format, static_cast<uint16_t>(code + 1))
              : 2 * slow_value(format, code) - slow_value(format, static_cast<uint16_t>(code - 1));
      const auto border = static_cast<float>((slow_value(format, code) + next) / 2);
      for (const float value : {std::nextafter(border, 0.0f), border,
                                std::nextafter(border, std::numeric_limits<float>::infinity())}) {
        if (std::isinf(value)) continue;
        ASSERT_NO_FATAL_FAILURE(expect_rounded(value));
        ASSERT_NO_FATAL_FAILURE(expect_rounded(-value));
      }
    }
  }
}

TEST(Half, RoundsRandomFloats) {
  Rng rng(7);
  for (int i = 0; i < 200000; ++i) {
    const float value = std::bit_cast<float>(static_cast<uint32_t>(rng.next()));
    if (!std::isfinite(value)) continue;
    ASSERT_NO_FATAL_FAILURE(expect_rounded(value));
  }
}

TEST(Half, KeepsInfinityAndNan) {
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(float_to_half(infinity), 0x7c00);
  EXPECT_EQ(float_to_half(-infinity), 0xfc00);
  EXPECT_EQ(float_to_bfloat16(-infinity), 0xff80);
  // A NaN whose upper half is all zeros must not become infinity.
  const float nan = std::bit_cast<float>(0x7f800001u);
  EXPECT_TRUE(std::isnan(half_to_float(float_to_half(nan))));
  EXPECT_TRUE(std::isnan(bfloat16_to_float(float_to_bfloat16(nan))));
}

}  // namespace
}  // namespace chasqui::quant
