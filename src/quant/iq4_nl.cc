#include "quant/iq4_nl.h"

#include "quant/internal/block_io.h"
#include "quant/internal/half.h"
#include "quant/internal/iq4_fit.h"

namespace chasqui::quant {

void decode_iq4_nl(const std::byte* from, float* to, int64_t blocks) {
  for (int64_t b = 0; b < blocks; ++b, to += 32) {
    const auto block = internal::load_block<BlockIQ4_NL>(from, b);
    const float d = internal::half_to_float(block.d);
    for (int i = 0; i < 16; ++i) {
      to[i] = d * static_cast<float>(kIq4Values[block.qs[i] & 15]);
      to[i + 16] = d * static_cast<float>(kIq4Values[block.qs[i] >> 4]);
    }
  }
}

void encode_iq4_nl(const float* from, const float* weights, std::byte* to, int64_t blocks) {
  const internal::Iq4Nearest nearest;
  for (int64_t b = 0; b < blocks; ++b, from += 32) {
    const float* w = internal::block_weights<32>(weights, b);
    BlockIQ4_NL block;
    block.d = internal::scale_to_half(internal::fit_iq4_scale(nearest, from, w));
    const float inv = internal::inverse(internal::half_to_float(block.d));
    for (int i = 0; i < 16; ++i) {
      const int high = nearest.code(from[i + 16] * inv);
      block.qs[i] = static_cast<uint8_t>(nearest.code(from[i] * inv) | high << 4);
    }
    internal::store_block(block, to, b);
  }
}

}  // namespace chasqui::quant
