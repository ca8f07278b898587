// IQ2_XS: 32 runs of 8 values out of a grid of 512, with an even number of minus signs each; two
// runs share a scale of 4 bits. value = +-d * (scale + 0.5) / 4 * grid.
#pragma once

#include <cstddef>
#include <cstdint>

namespace chasqui::quant {

struct BlockIQ2_XS {
  uint16_t d;         // half
  uint16_t qs[32];    // of run r: bits 0..8 the grid index, bits 9..15 the signs
  uint8_t scales[8];  // of runs 4 b, 4 b + 1: low nibble of byte b; 4 b + 2, 4 b + 3: high nibble
};
static_assert(sizeof(BlockIQ2_XS) == 74);

// The contract is QuantType's in quant_type.h.
void decode_iq2_xs(const std::byte* from, float* to, int64_t blocks);
void encode_iq2_xs(const float* from, const float* weights, std::byte* to, int64_t blocks);

}  // namespace chasqui::quant
