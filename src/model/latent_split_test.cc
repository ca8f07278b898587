#include "model/internal/latent_split.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/rng.h"
#include "quant/quant_type.h"

namespace chasqui::model {
namespace {

constexpr LatentHeads kHeads = {.heads = 3, .plain_key = 5, .value = 4};
constexpr int64_t kRank = 64;
constexpr int64_t kRows = kHeads.heads * (kHeads.plain_key + kHeads.value);

struct Whole {
  std::vector<std::byte> bytes;
  std::vector<float> values;  // [kRows, kRank], as the type rounds them
  TensorView view;
};

Whole make_whole(DType type) {
  Whole whole;
  Rng rng(5);
  std::vector<float> values(static_cast<size_t>(kRows * kRank));
  for (float& value : values) value = static_cast<float>(rng.normal());
  const DTypeInfo& info = dtype_info(type);
  whole.bytes.resize(static_cast<size_t>(kRows * kRank / info.block_values) * info.block_bytes);
  quant::encode_row(type, values, {}, whole.bytes.data());
  whole.values.resize(values.size());
  quant::decode_row(type, whole.bytes.data(), whole.values);
  whole.view = {.type = type, .dims = {kRank, kRows, 1, 1}, .bytes = whole.bytes};
  return whole;
}

std::vector<float> decoded(const SplitPart& part) {
  std::vector<float> values(static_cast<size_t>(part.view.elements()));
  quant::decode_row(part.view.type, part.view.bytes.data(), values);
  return values;
}

// What the whole matrix has for head `h`, row `i` of its rows, column `r`.
float value_of(const Whole& whole, int64_t h, int64_t i, int64_t r) {
  const int64_t row = h * (kHeads.plain_key + kHeads.value) + i;
  return whole.values[static_cast<size_t>(row * kRank + r)];
}

class LatentSplit : public ::testing::TestWithParam<DType> {};

TEST_P(LatentSplit, ValuesKeepTheirBlocks) {
  const Whole whole = make_whole(GetParam());
  const SplitPart part = *split_values(whole.view, kHeads);
  EXPECT_EQ(part.view.type, GetParam());
  EXPECT_EQ(part.view.dims, (std::array<int64_t, 4>{kRank, kHeads.value, kHeads.heads, 1}));
  const auto values = decoded(part);
  for (int64_t row = 0; row < kHeads.heads * kHeads.value; ++row) {
    for (int64_t r = 0; r < kRank; ++r) {
      EXPECT_EQ(values[static_cast<size_t>(row * kRank + r)],
                value_of(whole, row / kHeads.value, kHeads.plain_key + row % kHeads.value, r));
    }
  }
}

TEST_P(LatentSplit, KeysAreTransposed) {
  const Whole whole = make_whole(GetParam());
  const SplitPart part = *split_keys(whole.view, kHeads);
  const bool exact = GetParam() == DType::kF32;
  EXPECT_EQ(part.view.type, exact ? DType::kF32 : DType::kF16);
  EXPECT_EQ(part.view.dims, (std::array<int64_t, 4>{kHeads.plain_key, kRank, kHeads.heads, 1}));
  const auto keys = decoded(part);
  for (int64_t row = 0; row < kHeads.heads * kRank; ++row) {
    for (int64_t i = 0; i < kHeads.plain_key; ++i) {
      const float expected = value_of(whole, row / kRank, i, row % kRank);
      // Half a unit in the last of a half's 11 bits.
      EXPECT_NEAR(keys[static_cast<size_t>(row * kHeads.plain_key + i)], expected,
                  exact ? 0 : std::abs(expected) * 0x1p-11 + 1e-7);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Types, LatentSplit,
                         ::testing::Values(DType::kF32, DType::kQ8_0, DType::kQ4_0));

}  // namespace
}  // namespace chasqui::model
