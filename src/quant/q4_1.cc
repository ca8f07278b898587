#include "quant/q4_1.h"

#include "quant/internal/block_io.h"
#include "quant/internal/fit.h"
#include "quant/internal/half.h"

namespace chasqui::quant {

void decode_q4_1(const std::byte* from, float* to, int64_t blocks) {
  for (int64_t b = 0; b < blocks; ++b, to += 32) {
    const auto block = internal::load_block<BlockQ4_1>(from, b);
    const float d = internal::half_to_float(block.d);
    const float m = internal::half_to_float(block.m);
    for (int i = 0; i < 16; ++i) {
      to[i] = static_cast<float>(block.qs[i] & 15) * d + m;
      to[i + 16] = static_cast<float>(block.qs[i] >> 4) * d + m;
    }
  }
}

void encode_q4_1(const float* from, const float* weights, std::byte* to, int64_t blocks) {
  for (int64_t b = 0; b < blocks; ++b, from += 32) {
    const float* w = internal::block_weights<32>(weights, b);
    const auto fit = internal::fit_scale_min<32>(from, w, 15, 5, 0.25f, false);
    BlockQ4_1 block;
    block.d = internal::scale_to_half(fit.scale);
    block.m = internal::scale_to_half(fit.min);
    const float inv = internal::inverse(internal::half_to_float(block.d));
    const float m = internal::half_to_float(block.m);
    const auto code = [&](int i) {
      return static_cast<int>(internal::quantize((from[i] - m) * inv, 0, 15));
    };
    for (int i = 0; i < 16; ++i) block.qs[i] = static_cast<uint8_t>(code(i) | code(i + 16) << 4);
    internal::store_block(block, to, b);
  }
}

}  // namespace chasqui::quant
