// IQ3_S: 64 runs of 4 values out of a grid of 512, each with its own signs; 8 runs share a scale of
// 4 bits. value = +-d * (2 * scale + 1) * grid.
#pragma once

#include <cstddef>
#include <cstdint>

namespace chasqui::quant {

struct BlockIQ3_S {
  uint16_t d;         // half
  uint8_t qs[64];     // of run r: low 8 bits of the grid index
  uint8_t qh[8];      // bit r % 8 of byte r / 8: its ninth bit
  uint8_t signs[32];  // bit i % 8 of byte i / 8 set where value i is negative
  uint8_t scales[4];  // of group g (32 values): nibble g % 2 of byte g / 2
};
static_assert(sizeof(BlockIQ3_S) == 110);

// The contract is QuantType's in quant_type.h.
void decode_iq3_s(const std::byte* from, float* to, int64_t blocks);
void encode_iq3_s(const float* from, const float* weights, std::byte* to, int64_t blocks);

}  // namespace chasqui::quant
