// Q5_1: 32 values of 5 bits with scale and minimum. value = d * q + m, q in 0..31.
#pragma once

#include <cstddef>
#include <cstdint>

namespace chasqui::quant {

struct BlockQ5_1 {
  uint16_t d;      // half
  uint16_t m;      // half
  uint8_t qh[4];   // bit i of the little-endian number: fifth bit of value i
  uint8_t qs[16];  // low nibbles: values 0..15, high nibbles: values 16..31
};
static_assert(sizeof(BlockQ5_1) == 24);

// The contract is QuantType's in quant_type.h.
void decode_q5_1(const std::byte* from, float* to, int64_t blocks);
void encode_q5_1(const float* from, const float* weights, std::byte* to, int64_t blocks);

}  // namespace chasqui::quant
