// Encoders on data of many kinds: the error stays within what the format's step allows, the
// result is the same every time, and nothing that is put in breaks anything.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/rng.h"
#include "quant/quant_type.h"

namespace chasqui::quant {
namespace {

constexpr int64_t kValues = 4096;

std::vector<std::byte> encode(const QuantType& quant, const std::vector<float>& values,
                              const std::vector<float>& weights = {}) {
  const DTypeInfo& info = dtype_info(quant.type);
  std::vector<std::byte> out(values.size() / info.block_values * info.block_bytes);
  encode_row(quant.type, values, weights, out.data());
  return out;
}

std::vector<float> round_trip(const QuantType& quant, const std::vector<float>& values,
                              const std::vector<float>& weights = {}) {
  const auto encoded = encode(quant, values, weights);
  std::vector<float> out(values.size());
  decode_row(quant.type, encoded.data(), out);
  return out;
}

std::vector<float> normal_values(uint64_t seed, double scale, double mean) {
  Rng rng(seed);
  std::vector<float> values(kValues);
  for (float& value : values) value = static_cast<float>(rng.normal() * scale + mean);
  return values;
}

// How far off a block may be, as a fraction of its largest magnitude (or, for formats with a
// minimum, of its range with zero). The searches include the plain choice of scale, which maps the
// largest value onto the end of the codes, and keep what has the least squared error; so a block's
// root mean square error cannot exceed the plain choice's worst error, which follows from the
// distance between neighbouring codes. Rounding the scales adds the second term.
struct Bound {
  DType type;
  bool of_range;
  double plain;     // worst error of the plain choice
  double rounding;  // what scales as small integers or floats can add
};

constexpr double kHalfRounding = 1.0 / 2048;  // of a scale that is a half

// Half the distance between the smallest halves, which do not get finer with the values.
constexpr double kSubnormalRounding = 0x1.0p-25;

constexpr Bound kBounds[] = {
    {DType::kF32, false, 0, 0},
    {DType::kF16, false, kHalfRounding, 0},
    {DType::kBF16, false, 1.0 / 256, 0},
    // -n..n-1: half a step, and a whole one where the shorter side clips.
    {DType::kQ4_0, false, 1.0 / 8, kHalfRounding},
    {DType::kQ5_0, false, 1.0 / 16, kHalfRounding},
    {DType::kQ8_0, false, 0.5 / 127, kHalfRounding},
    {DType::kQ4_1, true, 0.5 / 15, 2 * kHalfRounding},
    {DType::kQ5_1, true, 0.5 / 31, 2 * kHalfRounding},
    // Groups' scales and minima are off by half of the largest / max_scale.
    {DType::kQ2_K, true, 0.5 / 3, 2 * 0.5 / 15},
    {DType::kQ4_K, true, 0.5 / 15, 2 * 0.5 / 63},
    {DType::kQ5_K, true, 0.5 / 31, 2 * 0.5 / 63},
    {DType::kQ3_K, false, 1.0 / 4, 0.5 / 32},
    {DType::kQ6_K, false, 1.0 / 32, 0.5 / 128},
    // Codes reach from -127 to 113: the upper end clips by 14, more than half of any gap.
    {DType::kIQ4_NL, false, 14.0 / 127, kHalfRounding},
    {DType::kIQ4_XS, false, 14.0 / 127, 0.5 / 32},
    // The widest gap is 4 to 6, at most twice (MXFP4) or 9/8 times (NVFP4) too wide.
    {DType::kMXFP4, false, 1.0 / 6 * 2, 0},
    {DType::kNVFP4, false, 1.0 / 6 * 9 / 8, 0},
    {DType::kTQ1_0, false, 0.5, kHalfRounding},
    {DType::kTQ2_0, false, 0.5, kHalfRounding},
    {DType::kQ2_0, false, 0.5, kHalfRounding},
    {DType::kQ1_0, false, 1, kHalfRounding},
    // A run may lie far from every entry of a grid: least squares promise no more than to do better
    // than zeros. A group's scale is off by half of the largest / codes.
    {DType::kIQ1_S, false, 1, 0.5 / 8},
    {DType::kIQ1_M, false, 1, 0.5 / 8},
    {DType::kIQ2_XXS, false, 1, 0.5 / 16},
    {DType::kIQ2_XS, false, 1, 0.5 / 16},
    {DType::kIQ2_S, false, 1, 0.5 / 16},
    {DType::kIQ3_XXS, false, 1, 0.5 / 16},
    {DType::kIQ3_S, false, 1, 0.5 / 16},
};

bool is_grid(DType type) {
  return dtype_info(type).name.substr(0, 2) == "IQ" && type != DType::kIQ4_NL &&
         type != DType::kIQ4_XS;
}

const Bound* find_bound(DType type) {
  const auto it = std::ranges::find(kBounds, type, &Bound::type);
  return it == std::end(kBounds) ? nullptr : it;
}

void expect_within_bound(const QuantType& quant, const std::vector<float>& values) {
  const Bound* bound = find_bound(quant.type);
  ASSERT_NE(bound, nullptr) << "a new encoder needs a row in kBounds";
  const auto decoded = round_trip(quant, values);
  const size_t block = dtype_info(quant.type).block_values;
  for (size_t at = 0; at < values.size(); at += block) {
    double low = 0;
    double high = 0;
    double squares = 0;
    for (size_t i = at; i < at + block; ++i) {
      low = std::min(low, double{values[i]});
      high = std::max(high, double{values[i]});
      squares += (double{values[i]} - decoded[i]) * (double{values[i]} - decoded[i]);
    }
    const double unit = bound->of_range ? high - low : std::max(high, -low);
    ASSERT_LE(std::sqrt(squares / static_cast<double>(block)),
              unit * (bound->plain + bound->rounding) + kSubnormalRounding)
        << "block at " << at;
  }
}

class RoundTrip : public ::testing::TestWithParam<QuantType> {};

TEST_P(RoundTrip, StaysWithinTheFormatsStep) {
  // Weights, activations with an offset, large values; uniform, and mostly zeros.
  for (const auto& [scale, mean] : {std::pair{0.02, 0.0}, {1.0, 3.0}, {1.0, -3.0}, {300.0, 0.0}}) {
    SCOPED_TRACE(::testing::Message() << scale << " " << mean);
    ASSERT_NO_FATAL_FAILURE(expect_within_bound(GetParam(), normal_values(1, scale, mean)));
  }
  Rng rng(2);
  std::vector<float> values(kValues);
  for (float& value : values) value = static_cast<float>(rng.uniform() * 2 - 1);
  ASSERT_NO_FATAL_FAILURE(expect_within_bound(GetParam(), values));
  for (float& value : values) value = rng.below(20) == 0 ? value : 0.0f;
  ASSERT_NO_FATAL_FAILURE(expect_within_bound(GetParam(), values));
}

TEST_P(RoundTrip, IsDeterministic) {
  const auto values = normal_values(3, 0.02, 0);
  EXPECT_EQ(encode(GetParam(), values), encode(GetParam(), values));
}

TEST_P(RoundTrip, ZeroStaysZero) {
  const std::vector<float> zeros(kValues, 0.0f);
  for (const float value : round_trip(GetParam(), zeros)) ASSERT_EQ(value, 0.0f);
}

class TernaryWeights : public RoundTrip {};

// Weights that were trained to be -1, 0 or 1 times a scale lose no more than the scale's rounding,
// except where no code stands for 0. Grids do not hold every pattern.
TEST_P(TernaryWeights, AreKept) {
  Rng rng(4);
  std::vector<float> values(kValues);
  for (float& value : values)
    value = static_cast<float>(static_cast<int>(rng.below(3)) - 1) * 0.25f;
  const DType type = GetParam().type;
  const bool uneven = type == DType::kIQ4_NL || type == DType::kIQ4_XS || type == DType::kQ1_0;
  const double tolerance = uneven ? 0.25 : 0.5 * find_bound(type)->rounding;
  const auto decoded = round_trip(GetParam(), values);
  for (size_t i = 0; i < values.size(); ++i) ASSERT_NEAR(decoded[i], values[i], tolerance) << i;
}

// The share of normally distributed values' root mean square that rounding costs. The figures are
// what the encoders reach, with 1 % to spare; a change that makes one worse has to say why.
struct NormalError {
  DType type;
  double share;
};
constexpr NormalError kNormalErrors[] = {
    {DType::kIQ1_S, 0.4441},  {DType::kIQ1_M, 0.4120}, {DType::kIQ2_XXS, 0.3272},
    {DType::kIQ2_XS, 0.2841}, {DType::kIQ2_S, 0.2391}, {DType::kIQ3_XXS, 0.1769},
    {DType::kIQ3_S, 0.1299},
};

double weighted_error(const std::vector<float>& values, const std::vector<float>& decoded,
                      const std::vector<float>& weights) {
  double sum = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const double miss = double{values[i]} - decoded[i];
    sum += (weights.empty() ? 1.0 : double{weights[i]}) * miss * miss;
  }
  return sum;
}

TEST(GridEncoders, LoseNoMoreOfNormalValuesThanTheyDid) {
  for (const NormalError& row : kNormalErrors) {
    const QuantType& quant = *find_quant_type(row.type);
    double error = 0;
    double energy = 0;
    for (uint64_t seed = 10; seed < 18; ++seed) {
      const auto values = normal_values(seed, 1, 0);
      error += weighted_error(values, round_trip(quant, values), {});
      energy += weighted_error(values, std::vector<float>(values.size()), {});
    }
    EXPECT_LE(std::sqrt(error / energy), 1.01 * row.share) << dtype_info(row.type).name;
    EXPECT_GE(std::sqrt(error / energy), 0.97 * row.share) << "better: lower the figure";
  }
}

// Types whose encoders do not look at weights.
bool ignores_weights(DType type) {
  return dtype_info(type).block_values == 1 || type == DType::kQ8_0;
}

TEST_P(RoundTrip, EqualWeightsAreNoWeights) {
  const auto values = normal_values(6, 0.02, 0);
  EXPECT_EQ(encode(GetParam(), values, std::vector<float>(values.size(), 1.0f)),
            encode(GetParam(), values));
}

// What weights are for: the error that they measure becomes smaller. Theirs are spread as the mean
// squares of activations are, over some orders of magnitude.
TEST_P(RoundTrip, WeightsLowerTheErrorThatTheyMeasure) {
  Rng rng(7);
  const auto values = normal_values(8, 0.02, 0);
  std::vector<float> weights(values.size());
  for (float& weight : weights) weight = static_cast<float>(std::exp(1.5 * rng.normal()));
  const double without = weighted_error(values, round_trip(GetParam(), values), weights);
  const double with = weighted_error(values, round_trip(GetParam(), values, weights), weights);
  if (ignores_weights(GetParam().type)) {
    EXPECT_EQ(with, without);
  } else {
    EXPECT_LE(with, 0.98 * without);
  }
}

// Weights of any size lead to blocks of the values' order of magnitude.
TEST_P(RoundTrip, ExtremeWeightsGiveNumbers) {
  const auto values = normal_values(9, 0.02, 0);
  for (const float odd : {1e6f, 1e-6f, 1e30f, 1e-30f}) {
    std::vector<float> weights(values.size(), 1.0f);
    for (size_t i = 0; i < weights.size(); i += 29) weights[i] = odd;
    for (const float value : round_trip(GetParam(), values, weights)) {
      ASSERT_TRUE(std::isfinite(value)) << odd;
      ASSERT_LE(std::fabs(value), 1.0f) << odd;
    }
  }
}

// No NaN, infinity, overflow or underflow gives a block that decodes to anything but numbers.
TEST_P(RoundTrip, AnyInputGivesABlockOfFiniteValues) {
  using Limits = std::numeric_limits<float>;
  const bool plain_float = dtype_info(GetParam().type).block_values == 1;
  for (const float odd : {Limits::quiet_NaN(), Limits::infinity(), -Limits::infinity(),
                          Limits::max(), -Limits::max(), Limits::denorm_min(), 1e-30f}) {
    auto some = normal_values(5, 1, 0);
    for (size_t i = 0; i < some.size(); i += 77) some[i] = odd;
    for (const auto& values : {some, std::vector<float>(kValues, odd)}) {
      for (const float value : round_trip(GetParam(), values)) {
        ASSERT_TRUE(plain_float || std::isfinite(value)) << odd;
      }
    }
  }
}

std::vector<QuantType> encodable() {
  std::vector<QuantType> out;
  std::ranges::copy_if(all_quant_types(), std::back_inserter(out),
                       [](const QuantType& quant) { return quant.encode != nullptr; });
  return out;
}

INSTANTIATE_TEST_SUITE_P(AllTypes, RoundTrip, ::testing::ValuesIn(encodable()),
                         [](const auto& row) {
                           return std::string(dtype_info(row.param.type).name);
                         });

std::vector<QuantType> without_grid() {
  std::vector<QuantType> out = encodable();
  std::erase_if(out, [](const QuantType& quant) { return is_grid(quant.type); });
  return out;
}

INSTANTIATE_TEST_SUITE_P(AllTypes, TernaryWeights, ::testing::ValuesIn(without_grid()),
                         [](const auto& row) {
                           return std::string(dtype_info(row.param.type).name);
                         });

TEST(QuantType, RowsAreOrderedAndKnown) {
  for (size_t i = 1; i < all_quant_types().size(); ++i) {
    EXPECT_LT(all_quant_types()[i - 1].type, all_quant_types()[i].type);
  }
  EXPECT_EQ(find_quant_type(DType::kQ8_K), nullptr);
  EXPECT_EQ(find_quant_type(DType::kQ4_0)->type, DType::kQ4_0);
}

}  // namespace
}  // namespace chasqui::quant
