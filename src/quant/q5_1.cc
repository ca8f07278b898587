#include "quant/q5_1.h"

#include "quant/internal/block_io.h"
#include "quant/internal/fit.h"
#include "quant/internal/half.h"

namespace chasqui::quant {

void decode_q5_1(const std::byte* from, float* to, int64_t blocks) {
  for (int64_t b = 0; b < blocks; ++b, to += 32) {
    const auto block = internal::load_block<BlockQ5_1>(from, b);
    const float d = internal::half_to_float(block.d);
    const float m = internal::half_to_float(block.m);
    const auto high =
        internal::load_block<uint32_t>(reinterpret_cast<const std::byte*>(block.qh), 0);
    for (int i = 0; i < 16; ++i) {
      const uint32_t low_half = (block.qs[i] & 15u) | (high >> i & 1) << 4;
      const uint32_t high_half = (block.qs[i] >> 4) | (high >> (i + 16) & 1) << 4;
      to[i] = static_cast<float>(low_half) * d + m;
      to[i + 16] = static_cast<float>(high_half) * d + m;
    }
  }
}

void encode_q5_1(const float* from, const float* weights, std::byte* to, int64_t blocks) {
  for (int64_t b = 0; b < blocks; ++b, from += 32) {
    const float* w = internal::block_weights<32>(weights, b);
    const auto fit = internal::fit_scale_min<32>(from, w, 31, 5, 0.4f, false);
    BlockQ5_1 block{};
    block.d = internal::scale_to_half(fit.scale);
    block.m = internal::scale_to_half(fit.min);
    const float inv = internal::inverse(internal::half_to_float(block.d));
    const float m = internal::half_to_float(block.m);
    for (int i = 0; i < 32; ++i) {
      const int code = static_cast<int>(internal::quantize((from[i] - m) * inv, 0, 31));
      block.qs[i % 16] |= static_cast<uint8_t>((code & 15) << (i < 16 ? 0 : 4));
      block.qh[i / 8] |= static_cast<uint8_t>((code >> 4) << (i % 8));
    }
    internal::store_block(block, to, b);
  }
}

}  // namespace chasqui::quant
