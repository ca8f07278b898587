// Q3_K: 16 groups of 16 values of 3 bits; each group has a scale of 6 bits.
// value = d * (scale - 32) * q, q in -4..3, scale in 0..63.
#pragma once

#include <cstddef>
#include <cstdint>

namespace chasqui::quant {

struct BlockQ3_K {
  uint8_t hmask[32];   // value 32 b + i: bit b of byte i is set where 4 is not to be subtracted
  uint8_t qs[64];      // value 128 h + 32 p + i: bits 2p, 2p+1 of byte 32 h + i (i < 32, p < 4)
  uint8_t scales[12];  // of group g: nibble g / 8 of byte g % 8, and as bits 4 and 5
                       // bits 2 (g / 4), 2 (g / 4) + 1 of byte 8 + g % 4
  uint16_t d;          // half
};
static_assert(sizeof(BlockQ3_K) == 110);

// The contract is QuantType's in quant_type.h.
void decode_q3_k(const std::byte* from, float* to, int64_t blocks);
void encode_q3_k(const float* from, const float* weights, std::byte* to, int64_t blocks);

}  // namespace chasqui::quant
