// The parts that the encoders are made of, each against a slow twin.
#include "quant/internal/fit.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/rng.h"
#include "quant/internal/fp4.h"
#include "quant/internal/grid_fit.h"
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
    ours += error_of(x, 32, fit_scale<32>(x, kEqualWeights.data(), -8, 7, 4, 0.25f), 0, -8, 7);
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
    const ScaleMin fit = fit_scale_min<32>(x, kEqualWeights.data(), 15, 5, 0.25f, false);
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
    const ScaleMin fit = fit_scale_min<32>(x, kEqualWeights.data(), 15, 5, 0.25f, true);
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

// The search against a walk through the whole grid.
template <class Search>
void expect_nearest(const Search& search, std::span<const uint16_t> grid, float shift) {
  Rng rng(6);
  for (int round = 0; round < 300; ++round) {
    float x[8];
    float w[8];
    for (float& value : x) value = static_cast<float>(rng.normal() * 20);
    for (float& value : w) value = static_cast<float>(std::exp(2 * rng.normal()));
    const float scale = static_cast<float>(0.2 + 2 * rng.uniform());
    double least = INFINITY;
    const auto error_of_entry = [&](int index) {
      double sum = 0;
      for (int i = 0; i < Search::kRun; ++i) {
        const double miss = x[i] - double{scale} * (search.level(index, i) + shift);
        sum += w[i] * miss * miss;
      }
      return sum;
    };
    for (size_t i = 0; i < grid.size(); ++i) {
      least = std::min(least, error_of_entry(static_cast<int>(i)));
    }
    const auto found = search.nearest(x, w, scale, shift);
    // The found entry may differ from the twin's where both are as near, up to f32's rounding.
    ASSERT_NEAR(error_of_entry(found.index), least, 1e-5 * least);
    ASSERT_NEAR(found.error, least, 1e-5 * least);
  }
}

TEST(GridSearch, FindsTheNearest) {
  const auto check8 = [](std::span<const uint16_t> grid, std::span<const float> levels,
                         float shift) {
    expect_nearest(GridSearch<8, 2>(grid, levels), grid, shift);
  };
  const auto check4 = [](std::span<const uint16_t> grid, std::span<const float> levels) {
    expect_nearest(GridSearch<4, 3>(grid, levels), grid, 0);
  };
  check8(kIq1Grid, kIq1Levels, 0.125f);
  check8(kIq1Grid, kIq1Levels, -0.125f);
  check8(kIq2XxsGrid, kIq2Levels, 0);
  check8(kIq2XsGrid, kIq2Levels, 0);
  check8(kIq2SGrid, kIq2Levels, 0);
  check4(kIq3XxsGrid, kIq3XxsLevels);
  check4(kIq3SGrid, kIq3SLevels);
}

TEST(GridSearch, NumbersThatAreNoneGiveAnEntry) {
  const GridSearch<8, 2> search(kIq2XxsGrid, kIq2Levels);
  const float x[8] = {std::numeric_limits<float>::quiet_NaN(), INFINITY, 1, 2, 3, 4, 5, 6};
  const auto found = search.nearest(x, kEqualWeights.data(), 1, 0);
  EXPECT_GE(found.index, 0);
  EXPECT_LT(found.index, 256);
}

TEST(SplitSigns, AnEvenNumberIsMadeAtTheLeastCost) {
  float x[256];
  float w[256];
  Rng rng(8);
  for (float& value : x) value = static_cast<float>(rng.normal());
  for (float& value : w) value = static_cast<float>(std::exp(rng.normal()));
  float y[256];
  uint8_t signs[32];
  split_signs(GridSigns::kEven, x, w, y, signs);
  for (int i = 0; i < 256; ++i) {
    ASSERT_EQ((signs[i / 8] >> (i % 8) & 1) != 0 ? -y[i] : y[i], x[i]);
    if (y[i] >= 0) continue;
    for (int j = i / 8 * 8; j < i / 8 * 8 + 8; ++j) {
      ASSERT_LE(w[i] * std::fabs(x[i]), w[j] * std::fabs(x[j]));
    }
  }
  for (const uint8_t bits : signs) ASSERT_EQ(std::popcount(bits) % 2, 0);
  split_signs(GridSigns::kFree, x, w, y, signs);
  for (int i = 0; i < 256; ++i) ASSERT_EQ(y[i], std::fabs(x[i]));
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
