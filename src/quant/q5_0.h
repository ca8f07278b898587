// Q5_0: 32 values of 5 bits with one scale. value = d * (q - 16), q in 0..31.
#pragma once

#include <cstddef>
#include <cstdint>

namespace chasqui::quant {

struct BlockQ5_0 {
  uint16_t d;      // half
  uint8_t qh[4];   // bit i of the little-endian number: fifth bit of value i
  uint8_t qs[16];  // low nibbles: values 0..15, high nibbles: values 16..31
};
static_assert(sizeof(BlockQ5_0) == 22);

// The contract is QuantType's in quant_type.h.
void decode_q5_0(const std::byte* from, float* to, int64_t blocks);
void encode_q5_0(const float* from, const float* weights, std::byte* to, int64_t blocks);

}  // namespace chasqui::quant
