// Q2_K: 16 groups of 16 values of 2 bits; each group has a scale and a minimum of 4 bits.
// value = d * scale * q - dmin * min, q in 0..3.
#pragma once

#include <cstddef>
#include <cstdint>

namespace chasqui::quant {

struct BlockQ2_K {
  uint8_t scales[16];  // of group g: low nibble the scale, high nibble the minimum
  uint8_t qs[64];      // value 128 h + 32 p + i: bits 2p, 2p+1 of byte 32 h + i (i < 32, p < 4)
  uint16_t d;          // half
  uint16_t dmin;       // half
};
static_assert(sizeof(BlockQ2_K) == 84);

// The contract is QuantType's in quant_type.h.
void decode_q2_k(const std::byte* from, float* to, int64_t blocks);
void encode_q2_k(const float* from, const float* weights, std::byte* to, int64_t blocks);

}  // namespace chasqui::quant
