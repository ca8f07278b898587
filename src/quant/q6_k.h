// Q6_K: 16 groups of 16 values of 6 bits; each group has a signed scale of 8 bits.
// value = d * scale * (q - 32), q in 0..63.
#pragma once

#include <cstddef>
#include <cstdint>

namespace chasqui::quant {

struct BlockQ6_K {
  uint8_t ql[128];    // low 4 bits of value 128 h + 32 p + i: nibble p / 2 of byte
                      // 64 h + 32 (p % 2) + i (i < 32, p < 4)
  uint8_t qh[64];     // its high 2 bits: bits 2p, 2p+1 of byte 32 h + i
  int8_t scales[16];  // of group g: values 16 g to 16 g + 15
  uint16_t d;         // half
};
static_assert(sizeof(BlockQ6_K) == 210);

// The contract is QuantType's in quant_type.h.
void decode_q6_k(const std::byte* from, float* to, int64_t blocks);
void encode_q6_k(const float* from, const float* weights, std::byte* to, int64_t blocks);

}  // namespace chasqui::quant
