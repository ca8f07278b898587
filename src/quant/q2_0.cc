#include "quant/q2_0.h"

#include "quant/internal/block_io.h"
#include "quant/internal/fit.h"
#include "quant/internal/half.h"

namespace chasqui::quant {

void decode_q2_0(const std::byte* from, float* to, int64_t blocks) {
  for (int64_t b = 0; b < blocks; ++b, to += 64) {
    const auto block = internal::load_block<BlockQ2_0>(from, b);
    const float d = internal::half_to_float(block.d);
    for (int i = 0; i < 64; ++i) {
      to[i] = static_cast<float>((block.qs[i / 4] >> (i % 4 * 2) & 3) - 1) * d;
    }
  }
}

void encode_q2_0(const float* from, const float* weights, std::byte* to, int64_t blocks) {
  for (int64_t b = 0; b < blocks; ++b, from += 64) {
    const float* w = internal::block_weights<64>(weights, b);
    BlockQ2_0 block{};
    // The peak on the 1 for ternary weights, on the 2 or beyond it (and so clipped) for others.
    block.d = internal::scale_to_half(internal::fit_coarse_scale<64>(from, w, -1, 2));
    const float inv = internal::inverse(internal::half_to_float(block.d));
    for (int i = 0; i < 64; ++i) {
      const int code = static_cast<int>(internal::quantize(from[i] * inv, -1, 2)) + 1;
      block.qs[i / 4] |= static_cast<uint8_t>(code << (i % 4 * 2));
    }
    internal::store_block(block, to, b);
  }
}

}  // namespace chasqui::quant
