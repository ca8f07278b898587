// TQ1_0: 256 values of -1, 0 or 1 with one scale, five to a byte. value = d * (t - 1), t in 0..2.
// A byte is ceil(n * 256 / 243) for the number n with five base-3 digits t, the first value's digit
// foremost; multiplying the byte by a power of 3 modulo 256 shifts digits out at the top.
// Source: https://compilade.net/blog/ternary-packing
#pragma once

#include <cstddef>
#include <cstdint>

namespace chasqui::quant {

struct BlockTQ1_0 {
  uint8_t qs[48];  // bytes 0..31: digit k of byte i is value 32 k + i (k < 5);
                   // bytes 32..47: digit k of byte 32 + i is value 160 + 16 k + i
  uint8_t qh[4];   // digit k of byte i is value 240 + 4 k + i (k < 4); the fifth digit is 0
  uint16_t d;      // half
};
static_assert(sizeof(BlockTQ1_0) == 54);

// The contract is QuantType's in quant_type.h.
void decode_tq1_0(const std::byte* from, float* to, int64_t blocks);
void encode_tq1_0(const float* from, const float* weights, std::byte* to, int64_t blocks);

}  // namespace chasqui::quant
