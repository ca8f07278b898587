// The parts that the encoders are made of, each against a slow twin.
#include "quant/internal/fit.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/rng.h"
#include "quant/internal/fp4.h"
#include "quant/internal/iq4_fit.h"
#include "quant/internal/iq_grids.h"
#include "quant/scale_mins.h"

namespace chasqui::quant::internal {
namespace {

TEST(Fit, RoundsToNearestEven) {
  for (int i = -4000; i <= 4000; ++i) {
    const float value = static_cast<float>(i) / 8;  // every tie among them
    ASSERT_EQ(round_small(value), std::nearbyint(value)) << value;
  }
}

TEST(Fit, FourAtOnceAreTheSameAsOne) {
  Rng rng(1);
  for (int i = 0; i < 1000; ++i) {
    Vec4 v;
    for (int lane = 0; lane < 4; ++lane) v[lane] = static_cast<float>(rng.normal() * 10);
    if (i % 10 == 0) v[i % 4] = std::numeric_limits<float>::quiet_NaN();
    const Vec4 result = quantize4(v, splat4(-8), splat4(7));
    for (int lane = 0; lane < 4; ++lane) ASSERT_EQ(result[lane], quantize(v[lane], -8, 7));
  }
}

// Squared error of rounding to scale * q + min.
double error_of(const float* x, int n, float scale, float min, float lo, float hi) {
  double sum = 0;
  for (int i = 0; i < n; ++i) {
    const double error = x[i] - min - scale * quantize((x[i] - min) * inverse(scale), lo, hi);
    sum += error * error;
  }
  return sum;
}

void fill(Rng& rng, float (&x)[32]) {
  for (float& value : x) value = static_cast<float>(rng.normal());
}

// Nine candidates and least squares come close to the best of 2,000 scales.
TEST(Fit, ScaleIsNearlyTheBest) {
  Rng rng(2);
  double ours = 0;
  double best = 0;
  for (int group = 0; group < 200; ++group) {
    float x[32];
    fill(rng, x);
    ours += error_of(x, 32, fit_scale<32>(x, -8, 7, 4, 0.25f), 0, -8, 7);
    const float peak = signed_peak<32>(x);
    double best_here = INFINITY;
    for (int t = 1; t <= 1000; ++t) {
      for (const float sign : {1.0f, -1.0f}) {
        const float scale = sign * peak / (4.0f + 0.008f * static_cast<float>(t));
        best_here = std::min(best_here, error_of(x, 32, scale, 0, -8, 7));
      }
    }
    best += best_here;
  }
  EXPECT_LE(ours, 1.05 * best);
  EXPECT_GE(ours, 0.999 * best) << "then the twin is not the best";
}

TEST(Fit, ScaleAndMinimumBeatThePlainChoice) {
  Rng rng(3);
  double ours = 0;
  double plain = 0;
  for (int group = 0; group < 200; ++group) {
    float x[32];
    fill(rng, x);
    const ScaleMin fit = fit_scale_min<32>(x, 15, 5, 0.25f, false);
    ours += error_of(x, 32, fit.scale, fit.min, 0, 15);
    const auto [low, high] = std::minmax_element(std::begin(x), std::end(x));
    plain += error_of(x, 32, (*high - *low) / 15, *low, 0, 15);
  }
  EXPECT_LE(ours, 0.9 * plain);
}

TEST(Fit, MinimumStaysBelowZeroWhenTold) {
  Rng rng(4);
  for (int group = 0; group < 100; ++group) {
    float x[32];
    fill(rng, x);
    for (float& value : x) value += 2;
    const ScaleMin fit = fit_scale_min<32>(x, 15, 5, 0.25f, true);
    ASSERT_LE(fit.min, 0);
    ASSERT_GT(fit.scale, 0);
  }
}

TEST(Fit, ScalesBecomeFiniteHalves) {
  EXPECT_EQ(scale_to_half(1e9f), 0x7bff);
  EXPECT_EQ(scale_to_half(-std::numeric_limits<float>::infinity()), 0xfbff);
  EXPECT_EQ(scale_to_half(std::numeric_limits<float>::quiet_NaN()), 0);
}

TEST(Fp4, FindsTheNearest) {
  for (int i = -400; i <= 400; ++i) {
    const float value = static_cast<float>(i) / 27;  // no ties
    int best = 0;
    for (int code = 1; code < 16; ++code) {
      if (std::fabs(kFp4Values[code] - value) < std::fabs(kFp4Values[best] - value)) best = code;
    }
    ASSERT_EQ(kFp4Values[nearest_fp4(value)], kFp4Values[best]) << value;
  }
}

TEST(Iq4, FindsTheNearestOfIntegers) {
  const Iq4Nearest nearest;
  for (int v = -200; v <= 200; ++v) {
    int distance = 1000;
    for (const int8_t code : kIq4Values) distance = std::min(distance, std::abs(code - v));
    ASSERT_EQ(std::abs(kIq4Values[nearest.code(static_cast<float>(v))] - v), distance) << v;
  }
}

TEST(IqGrids, SignsAreAlwaysEven) {
  for (unsigned bits = 0; bits < 128; ++bits) {
    ASSERT_EQ(signs_of_seven(bits) & 127, bits);
    ASSERT_EQ(std::popcount(signs_of_seven(bits)) % 2, 0);
  }
}

TEST(ScaleMins, PackWithoutLoss) {
  for (int group = 0; group < 8; ++group) {
    for (int code = 0; code < 64 * 64; ++code) {
      ScaleMins numbers;
      for (int g = 0; g < 8; ++g) {
        numbers.scale[g] = static_cast<uint8_t>(g * 9);
        numbers.min[g] = static_cast<uint8_t>(63 - g * 9);
      }
      numbers.scale[group] = static_cast<uint8_t>(code % 64);
      numbers.min[group] = static_cast<uint8_t>(code / 64);
      const ScaleMins back = unpack(pack(numbers));
      for (int g = 0; g < 8; ++g) {
        ASSERT_EQ(back.scale[g], numbers.scale[g]);
        ASSERT_EQ(back.min[g], numbers.min[g]);
      }
    }
  }
}

}  // namespace
}  // namespace chasqui::quant::internal
