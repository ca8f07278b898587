#include "quant/q6_k.h"

#include "quant/internal/block_io.h"
#include "quant/internal/half.h"
#include "quant/internal/super_block.h"

namespace chasqui::quant {

void decode_q6_k(const std::byte* from, float* to, int64_t blocks) {
  for (int64_t b = 0; b < blocks; ++b) {
    const auto block = internal::load_block<BlockQ6_K>(from, b);
    const float d = internal::half_to_float(block.d);
    for (int g = 0; g < 16; ++g, to += 16) {
      const float scale = d * static_cast<float>(block.scales[g]);
      // Value 128 h + 32 p + i, where the group is half a run of 32 values.
      const int half = g / 8;
      const int plane = g / 2 % 4;
      const int first = g % 2 * 16;
      const uint8_t* ql = block.ql + half * 64 + plane % 2 * 32 + first;
      const uint8_t* qh = block.qh + half * 32 + first;
      for (int i = 0; i < 16; ++i) {
        const int q = (ql[i] >> (plane / 2 * 4) & 15) | (qh[i] >> (plane * 2) & 3) << 4;
        to[i] = scale * static_cast<float>(q - 32);
      }
    }
  }
}

void encode_q6_k(const float* from, const float* weights, std::byte* to, int64_t blocks) {
  for (int64_t b = 0; b < blocks; ++b, from += 256) {
    const float* w = internal::block_weights<256>(weights, b);
    const auto fitted = internal::fit_signed_super_block(
        from, w, {.low_q = -32, .low_scale = -128, .tries = 4, .step = 0.8f});
    BlockQ6_K block{};
    block.d = fitted.d;
    for (int g = 0; g < 16; ++g) block.scales[g] = fitted.scale[g];
    for (int v = 0; v < 256; ++v) {
      const int q = fitted.q[v] + 32;
      const int half = v / 128;
      const int plane = v / 32 % 4;
      const int i = v % 32;
      block.ql[half * 64 + plane % 2 * 32 + i] |= static_cast<uint8_t>((q & 15) << (plane / 2 * 4));
      block.qh[half * 32 + i] |= static_cast<uint8_t>((q >> 4) << (plane * 2));
    }
    internal::store_block(block, to, b);
  }
}

}  // namespace chasqui::quant
