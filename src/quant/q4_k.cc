#include "quant/q4_k.h"

#include "quant/internal/block_io.h"
#include "quant/internal/half.h"
#include "quant/internal/super_block.h"

namespace chasqui::quant {

void decode_q4_k(const std::byte* from, float* to, int64_t blocks) {
  for (int64_t b = 0; b < blocks; ++b) {
    const auto block = internal::load_block<BlockQ4_K>(from, b);
    const float d = internal::half_to_float(block.d);
    const float dmin = internal::half_to_float(block.dmin);
    const ScaleMins groups = unpack(block.scales);
    for (int g = 0; g < 8; ++g, to += 32) {
      const float scale = d * static_cast<float>(groups.scale[g]);
      const float min = dmin * static_cast<float>(groups.min[g]);
      const uint8_t* qs = block.qs + g / 2 * 32;
      const int shift = g % 2 * 4;
      for (int i = 0; i < 32; ++i) to[i] = scale * static_cast<float>(qs[i] >> shift & 15) - min;
    }
  }
}

void encode_q4_k(const float* from, const float* weights, std::byte* to, int64_t blocks) {
  for (int64_t b = 0; b < blocks; ++b, from += 256) {
    const float* w = internal::block_weights<256>(weights, b);
    const auto fitted = internal::fit_super_block<8, 32>(
        from, w, {.max_q = 15, .max_scale = 63, .tries = 3, .step = 0.4f});
    BlockQ4_K block{};
    block.d = fitted.d;
    block.dmin = fitted.dmin;
    ScaleMins groups;
    for (int g = 0; g < 8; ++g) {
      groups.scale[g] = fitted.scale[g];
      groups.min[g] = fitted.min[g];
      for (int i = 0; i < 32; ++i) {
        block.qs[g / 2 * 32 + i] |= static_cast<uint8_t>(fitted.q[g * 32 + i] << (g % 2 * 4));
      }
    }
    block.scales = pack(groups);
    internal::store_block(block, to, b);
  }
}

}  // namespace chasqui::quant
