#include "quant/tq2_0.h"

#include "quant/internal/block_io.h"
#include "quant/internal/fit.h"
#include "quant/internal/half.h"

namespace chasqui::quant {

void decode_tq2_0(const std::byte* from, float* to, int64_t blocks) {
  for (int64_t b = 0; b < blocks; ++b, to += 256) {
    const auto block = internal::load_block<BlockTQ2_0>(from, b);
    const float d = internal::half_to_float(block.d);
    for (int v = 0; v < 256; ++v) {
      const int t = block.qs[v / 128 * 32 + v % 32] >> (v / 32 % 4 * 2) & 3;
      to[v] = static_cast<float>(t - 1) * d;
    }
  }
}

void encode_tq2_0(const float* from, const float* weights, std::byte* to, int64_t blocks) {
  for (int64_t b = 0; b < blocks; ++b, from += 256) {
    const float* w = internal::block_weights<256>(weights, b);
    BlockTQ2_0 block{};
    block.d = internal::scale_to_half(internal::fit_coarse_scale<256>(from, w, -1, 1));
    const float inv = internal::inverse(internal::half_to_float(block.d));
    for (int v = 0; v < 256; ++v) {
      const int t = static_cast<int>(internal::quantize(from[v] * inv, -1, 1)) + 1;
      block.qs[v / 128 * 32 + v % 32] |= static_cast<uint8_t>(t << (v / 32 % 4 * 2));
    }
    internal::store_block(block, to, b);
  }
}

}  // namespace chasqui::quant
