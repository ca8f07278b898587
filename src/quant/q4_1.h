// Q4_1: 32 values of 4 bits with scale and minimum. value = d * q + m, q in 0..15.
#pragma once

#include <cstddef>
#include <cstdint>

namespace chasqui::quant {

struct BlockQ4_1 {
  uint16_t d;      // half
  uint16_t m;      // half
  uint8_t qs[16];  // low nibbles: values 0..15, high nibbles: values 16..31
};
static_assert(sizeof(BlockQ4_1) == 20);

// The contract is QuantType's in quant_type.h.
void decode_q4_1(const std::byte* from, float* to, int64_t blocks);
void encode_q4_1(const float* from, const float* weights, std::byte* to, int64_t blocks);

}  // namespace chasqui::quant
