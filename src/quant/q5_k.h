// Q5_K: 8 groups of 32 values of 5 bits; each group has a scale and a minimum of 6 bits.
// value = d * scale * q - dmin * min, q in 0..31.
#pragma once

#include <cstddef>
#include <cstdint>

#include "quant/scale_mins.h"

namespace chasqui::quant {

struct BlockQ5_K {
  uint16_t d;     // half
  uint16_t dmin;  // half
  PackedScaleMins scales;
  uint8_t qh[32];   // fifth bit of value 32 g + i: bit g of byte i
  uint8_t qs[128];  // value 64 h + i: low nibble of byte 32 h + i, 64 h + 32 + i: high (i < 32)
};
static_assert(sizeof(BlockQ5_K) == 176);

// The contract is QuantType's in quant_type.h.
void decode_q5_k(const std::byte* from, float* to, int64_t blocks);
void encode_q5_k(const float* from, const float* weights, std::byte* to, int64_t blocks);

}  // namespace chasqui::quant
