#include "quant/q2_k.h"

#include "quant/internal/block_io.h"
#include "quant/internal/half.h"
#include "quant/internal/super_block.h"

namespace chasqui::quant {

void decode_q2_k(const std::byte* from, float* to, int64_t blocks) {
  for (int64_t b = 0; b < blocks; ++b) {
    const auto block = internal::load_block<BlockQ2_K>(from, b);
    const float d = internal::half_to_float(block.d);
    const float dmin = internal::half_to_float(block.dmin);
    for (int g = 0; g < 16; ++g, to += 16) {
      const float scale = d * static_cast<float>(block.scales[g] & 15);
      const float min = dmin * static_cast<float>(block.scales[g] >> 4);
      const uint8_t* qs = block.qs + g / 8 * 32 + g % 2 * 16;
      const int shift = g / 2 % 4 * 2;
      for (int i = 0; i < 16; ++i) to[i] = scale * static_cast<float>(qs[i] >> shift & 3) - min;
    }
  }
}

void encode_q2_k(const float* from, const float* weights, std::byte* to, int64_t blocks) {
  for (int64_t b = 0; b < blocks; ++b, from += 256) {
    const float* w = internal::block_weights<256>(weights, b);
    const auto fitted = internal::fit_super_block<16, 16>(
        from, w, {.max_q = 3, .max_scale = 15, .tries = 5, .step = 0.2f});
    BlockQ2_K block{};
    block.d = fitted.d;
    block.dmin = fitted.dmin;
    for (int g = 0; g < 16; ++g) {
      block.scales[g] = static_cast<uint8_t>(fitted.scale[g] | fitted.min[g] << 4);
    }
    for (int v = 0; v < 256; ++v) {
      block.qs[v / 128 * 32 + v % 32] |= static_cast<uint8_t>(fitted.q[v] << (v / 32 % 4 * 2));
    }
    internal::store_block(block, to, b);
  }
}

}  // namespace chasqui::quant
