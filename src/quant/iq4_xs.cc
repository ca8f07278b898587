#include "quant/iq4_xs.h"

#include "quant/internal/block_io.h"
#include "quant/internal/half.h"
#include "quant/internal/iq4_fit.h"
#include "quant/iq4_nl.h"

namespace chasqui::quant {

void decode_iq4_xs(const std::byte* from, float* to, int64_t blocks) {
  for (int64_t b = 0; b < blocks; ++b) {
    const auto block = internal::load_block<BlockIQ4_XS>(from, b);
    const float d = internal::half_to_float(block.d);
    for (int g = 0; g < 8; ++g, to += 32) {
      const int low = block.scales_l[g / 2] >> (g % 2 * 4) & 15;
      const int high = block.scales_h >> (g * 2) & 3;
      const float scale = d * static_cast<float>((low | high << 4) - 32);
      const uint8_t* qs = block.qs + g * 16;
      for (int i = 0; i < 16; ++i) {
        to[i] = scale * static_cast<float>(kIq4Values[qs[i] & 15]);
        to[i + 16] = scale * static_cast<float>(kIq4Values[qs[i] >> 4]);
      }
    }
  }
}

void encode_iq4_xs(const float* from, const float* weights, std::byte* to, int64_t blocks) {
  const internal::Iq4Nearest nearest;
  for (int64_t b = 0; b < blocks; ++b) {
    const float* w = internal::block_weights<256>(weights, b);
    float scales[8];
    for (int g = 0; g < 8; ++g)
      scales[g] = internal::fit_iq4_scale(nearest, from + g * 32, w + g * 32);
    BlockIQ4_XS block{};
    block.d = internal::scale_to_half(internal::signed_peak<8>(scales) / -32.0f);
    const float d = internal::half_to_float(block.d);
    for (int g = 0; g < 8; ++g, from += 32) {
      const int scale =
          static_cast<int>(internal::quantize(scales[g] * internal::inverse(d), -32, 31));
      block.scales_l[g / 2] |= static_cast<uint8_t>(((scale + 32) & 15) << (g % 2 * 4));
      block.scales_h |= static_cast<uint16_t>(((scale + 32) >> 4) << (g * 2));
      const float inv = internal::inverse(d * static_cast<float>(scale));
      for (int i = 0; i < 16; ++i) {
        const int high = nearest.code(from[i + 16] * inv);
        block.qs[g * 16 + i] = static_cast<uint8_t>(nearest.code(from[i] * inv) | high << 4);
      }
    }
    internal::store_block(block, to, b);
  }
}

}  // namespace chasqui::quant
