// IQ1_M: as IQ1_S, but each run has its own direction, two runs share a scale of 3 bits, and the
// half d is spread over the tops of the scales. value = d * (2 * scale + 1) * (grid +- 1/8).
#pragma once

#include <cstddef>
#include <cstdint>

namespace chasqui::quant {

struct BlockIQ1_M {
  uint8_t qs[32];  // of run r: low 8 bits of the grid index
  uint8_t qh[16];  // nibble r % 2 of byte r / 2: three high bits of the index; its top bit: down
  uint16_t scales[4];  // of runs 8 w + 2 k, 8 w + 2 k + 1: bits 3 k to 3 k + 2 of word w (k < 4);
                       // bits 12..15 of word w are bits 4 w to 4 w + 3 of d
};
static_assert(sizeof(BlockIQ1_M) == 56);

// The contract is QuantType's in quant_type.h.
void decode_iq1_m(const std::byte* from, float* to, int64_t blocks);
void encode_iq1_m(const float* from, const float* weights, std::byte* to, int64_t blocks);

}  // namespace chasqui::quant
