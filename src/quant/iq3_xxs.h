// IQ3_XXS: 64 runs of 4 values out of a grid of 256, with an even number of minus signs in every
// two runs; 8 runs share a scale of 4 bits. value = +-d * (scale + 0.5) / 2 * grid.
#pragma once

#include <cstddef>
#include <cstdint>

namespace chasqui::quant {

struct BlockIQ3_XXS {
  uint16_t d;           // half
  uint8_t qs[64];       // of run r: the grid index
  uint8_t tails[8][4];  // of group g (32 values): a little-endian number with 7 sign bits for every
                        // two runs (the first lowest) and the scale in bits 28..31
};
static_assert(sizeof(BlockIQ3_XXS) == 98);

// The contract is QuantType's in quant_type.h.
void decode_iq3_xxs(const std::byte* from, float* to, int64_t blocks);
void encode_iq3_xxs(const float* from, const float* weights, std::byte* to, int64_t blocks);

}  // namespace chasqui::quant
