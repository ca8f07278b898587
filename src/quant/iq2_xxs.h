// IQ2_XXS: 32 runs of 8 values out of a grid of 256, with an even number of minus signs each; four
// runs share a scale of 4 bits. value = +-d * (scale + 0.5) / 4 * grid.
#pragma once

#include <cstddef>
#include <cstdint>

namespace chasqui::quant {

struct BlockIQ2_XXS {
  uint16_t d;  // half
  // Of group g (32 values): bytes 0..3 the grid indices of its four runs; then a little-endian
  // number with 7 sign bits a run (the first run lowest) and the scale in bits 28..31.
  uint8_t groups[8][8];
};
static_assert(sizeof(BlockIQ2_XXS) == 66);

// The contract is QuantType's in quant_type.h.
void decode_iq2_xxs(const std::byte* from, float* to, int64_t blocks);
void encode_iq2_xxs(const float* from, const float* weights, std::byte* to, int64_t blocks);

}  // namespace chasqui::quant
