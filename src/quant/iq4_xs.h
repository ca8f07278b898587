// IQ4_XS: 8 groups of 32 values of 4 bits on the uneven scale of IQ4_NL; each group has a scale of
// 6 bits. value = d * (scale - 32) * kIq4Values[q], scale in 0..63.
#pragma once

#include <cstddef>
#include <cstdint>

namespace chasqui::quant {

struct BlockIQ4_XS {
  uint16_t d;           // half
  uint16_t scales_h;    // bits 2g, 2g+1: bits 4 and 5 of the scale of group g
  uint8_t scales_l[4];  // nibble g % 2 of byte g / 2: its low four bits
  uint8_t qs[128];      // of group g: bytes 16 g to 16 g + 15, as in BlockIQ4_NL
};
static_assert(sizeof(BlockIQ4_XS) == 136);

// The contract is QuantType's in quant_type.h.
void decode_iq4_xs(const std::byte* from, float* to, int64_t blocks);
void encode_iq4_xs(const float* from, const float* weights, std::byte* to, int64_t blocks);

}  // namespace chasqui::quant
