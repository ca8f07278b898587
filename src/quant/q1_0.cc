#include "quant/q1_0.h"

#include <cmath>

#include "quant/internal/block_io.h"
#include "quant/internal/fit.h"
#include "quant/internal/half.h"

namespace chasqui::quant {

void decode_q1_0(const std::byte* from, float* to, int64_t blocks) {
  for (int64_t b = 0; b < blocks; ++b, to += 128) {
    const auto block = internal::load_block<BlockQ1_0>(from, b);
    const float d = internal::half_to_float(block.d);
    const float values[2] = {-d, d};
    for (int i = 0; i < 128; ++i) to[i] = values[block.qs[i / 8] >> (i % 8) & 1];
  }
}

void encode_q1_0(const float* from, const float* weights, std::byte* to, int64_t blocks) {
  for (int64_t b = 0; b < blocks; ++b, from += 128) {
    const float* w = internal::block_weights<128>(weights, b);
    BlockQ1_0 block{};
    float sum = 0;
    float weight = 0;
    for (int i = 0; i < 128; ++i) {
      sum += w[i] * std::fabs(from[i]);
      weight += w[i];
      if (from[i] >= 0) block.qs[i / 8] |= static_cast<uint8_t>(1 << (i % 8));
    }
    // With the signs given, the mean magnitude is the best scale.
    block.d = internal::scale_to_half(sum / weight);
    internal::store_block(block, to, b);
  }
}

}  // namespace chasqui::quant
