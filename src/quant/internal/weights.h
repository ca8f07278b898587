// The importance of values: what the squared error of each is multiplied by when an encoder weighs
// one rounding against another.
#pragma once

#include <array>
#include <cstdint>

namespace chasqui::quant::internal {

// As many as the largest block has values.
inline constexpr auto kEqualWeights = [] {
  std::array<float, 256> ones = {};
  for (float& one : ones) one = 1.0f;
  return ones;
}();

// Those of block `b`; all 1 where the caller gave none, which gives the same bits as no weights.
template <int kBlockValues>
const float* block_weights(const float* weights, int64_t b) {
  static_assert(kBlockValues <= static_cast<int>(kEqualWeights.size()));
  return weights == nullptr ? kEqualWeights.data() : weights + b * kBlockValues;
}

}  // namespace chasqui::quant::internal
