#include "quant/q3_k.h"

#include "quant/internal/block_io.h"
#include "quant/internal/half.h"
#include "quant/internal/super_block.h"

namespace chasqui::quant {
namespace {

int scale_of(const BlockQ3_K& block, int group) {
  const int low = block.scales[group % 8] >> (group / 8 * 4) & 15;
  const int high = block.scales[8 + group % 4] >> (group / 4 * 2) & 3;
  return (low | high << 4) - 32;
}

void set_scale(BlockQ3_K& block, int group, int scale) {
  const int code = scale + 32;
  block.scales[group % 8] |= static_cast<uint8_t>((code & 15) << (group / 8 * 4));
  block.scales[8 + group % 4] |= static_cast<uint8_t>((code >> 4) << (group / 4 * 2));
}

}  // namespace

void decode_q3_k(const std::byte* from, float* to, int64_t blocks) {
  for (int64_t b = 0; b < blocks; ++b) {
    const auto block = internal::load_block<BlockQ3_K>(from, b);
    const float d = internal::half_to_float(block.d);
    for (int g = 0; g < 16; ++g, to += 16) {
      const float scale = d * static_cast<float>(scale_of(block, g));
      const int first = g % 2 * 16;
      const uint8_t* qs = block.qs + g / 8 * 32 + first;
      const uint8_t* hmask = block.hmask + first;
      for (int i = 0; i < 16; ++i) {
        const int q = (qs[i] >> (g / 2 % 4 * 2) & 3) - ((hmask[i] >> (g / 2) & 1) != 0 ? 0 : 4);
        to[i] = scale * static_cast<float>(q);
      }
    }
  }
}

void encode_q3_k(const float* from, const float* weights, std::byte* to, int64_t blocks) {
  for (int64_t b = 0; b < blocks; ++b, from += 256) {
    const float* w = internal::block_weights<256>(weights, b);
    const auto fitted = internal::fit_signed_super_block(
        from, w, {.low_q = -4, .low_scale = -32, .tries = 4, .step = 0.25f});
    BlockQ3_K block{};
    block.d = fitted.d;
    for (int g = 0; g < 16; ++g) set_scale(block, g, fitted.scale[g]);
    for (int v = 0; v < 256; ++v) {
      const int code = fitted.q[v] + 4;
      block.qs[v / 128 * 32 + v % 32] |= static_cast<uint8_t>((code & 3) << (v / 32 % 4 * 2));
      block.hmask[v % 32] |= static_cast<uint8_t>((code >> 2) << (v / 32));
    }
    internal::store_block(block, to, b);
  }
}

}  // namespace chasqui::quant
