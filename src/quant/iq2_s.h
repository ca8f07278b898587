// IQ2_S: 32 runs of 8 values out of a grid of 1024, each with its own signs; two runs share a scale
// of 4 bits. value = +-d * (scale + 0.5) / 4 * grid.
#pragma once

#include <cstddef>
#include <cstdint>

namespace chasqui::quant {

struct BlockIQ2_S {
  uint16_t d;         // half
  uint8_t qs[32];     // of run r: low 8 bits of the grid index
  uint8_t signs[32];  // of run r: bit i set where value i is negative
  uint8_t qh[8];      // bits 2 (r % 4), 2 (r % 4) + 1 of byte r / 4: high bits of the index
  uint8_t scales[8];  // as in BlockIQ2_XS
};
static_assert(sizeof(BlockIQ2_S) == 82);

// The contract is QuantType's in quant_type.h.
void decode_iq2_s(const std::byte* from, float* to, int64_t blocks);
void encode_iq2_s(const float* from, const float* weights, std::byte* to, int64_t blocks);

}  // namespace chasqui::quant
