// IQ1_S: 32 runs of 8 values -1, 0, 1 out of a grid of 2048, all moved by an eighth up or down;
// four runs share scale and direction. value = d * (2 * scale + 1) * (grid +- 1/8).
#pragma once

#include <cstddef>
#include <cstdint>

namespace chasqui::quant {

inline constexpr float kIq1Delta = 0.125f;

struct BlockIQ1_S {
  uint16_t d;      // half
  uint8_t qs[32];  // of run r: low 8 bits of the grid index
  uint16_t qh[8];  // of group g (32 values): 3 high bits for each of its runs (the first lowest),
                   // bits 12..14 the scale, bit 15 set: down
};
static_assert(sizeof(BlockIQ1_S) == 50);

// The contract is QuantType's in quant_type.h.
void decode_iq1_s(const std::byte* from, float* to, int64_t blocks);
void encode_iq1_s(const float* from, const float* weights, std::byte* to, int64_t blocks);

}  // namespace chasqui::quant
