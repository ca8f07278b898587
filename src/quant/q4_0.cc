#include "quant/q4_0.h"

#include "quant/internal/block_io.h"
#include "quant/internal/fit.h"
#include "quant/internal/half.h"

namespace chasqui::quant {

void decode_q4_0(const std::byte* from, float* to, int64_t blocks) {
  for (int64_t b = 0; b < blocks; ++b, to += 32) {
    const auto block = internal::load_block<BlockQ4_0>(from, b);
    const float d = internal::half_to_float(block.d);
    for (int i = 0; i < 16; ++i) {
      to[i] = static_cast<float>((block.qs[i] & 15) - 8) * d;
      to[i + 16] = static_cast<float>((block.qs[i] >> 4) - 8) * d;
    }
  }
}

void encode_q4_0(const float* from, const float* weights, std::byte* to, int64_t blocks) {
  for (int64_t b = 0; b < blocks; ++b, from += 32) {
    const float* w = internal::block_weights<32>(weights, b);
    BlockQ4_0 block;
    block.d = internal::scale_to_half(internal::fit_scale<32>(from, w, -8, 7, 4, 0.25f));
    const float inv = internal::inverse(internal::half_to_float(block.d));
    const auto code = [&](int i) {
      return static_cast<int>(internal::quantize(from[i] * inv, -8, 7)) + 8;
    };
    for (int i = 0; i < 16; ++i) block.qs[i] = static_cast<uint8_t>(code(i) | code(i + 16) << 4);
    internal::store_block(block, to, b);
  }
}

}  // namespace chasqui::quant
