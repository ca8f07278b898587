#include "quant/q8_0.h"

#include <cmath>

#include "quant/internal/block_io.h"
#include "quant/internal/fit.h"
#include "quant/internal/half.h"

namespace chasqui::quant {

void decode_q8_0(const std::byte* from, float* to, int64_t blocks) {
  for (int64_t b = 0; b < blocks; ++b, to += 32) {
    const auto block = internal::load_block<BlockQ8_0>(from, b);
    const float d = internal::half_to_float(block.d);
    for (int i = 0; i < 32; ++i) to[i] = static_cast<float>(block.qs[i]) * d;
  }
}

void encode_q8_0(const float* from, const float* /*weights*/, std::byte* to, int64_t blocks) {
  for (int64_t b = 0; b < blocks; ++b, from += 32) {
    BlockQ8_0 block;
    // No search: with 255 levels it gains less than the half's own rounding costs.
    block.d = internal::scale_to_half(std::fabs(internal::signed_peak<32>(from)) / 127.0f);
    const float inv = internal::inverse(internal::half_to_float(block.d));
    for (int i = 0; i < 32; ++i) {
      block.qs[i] = static_cast<int8_t>(internal::quantize(from[i] * inv, -127, 127));
    }
    internal::store_block(block, to, b);
  }
}

}  // namespace chasqui::quant
