// Q4_0: 32 values of 4 bits with one scale. value = d * (q - 8), q in 0..15.
#pragma once

#include <cstddef>
#include <cstdint>

namespace chasqui::quant {

struct BlockQ4_0 {
  uint16_t d;      // half
  uint8_t qs[16];  // low nibbles: values 0..15, high nibbles: values 16..31
};
static_assert(sizeof(BlockQ4_0) == 18);

// The contract is QuantType's in quant_type.h.
void decode_q4_0(const std::byte* from, float* to, int64_t blocks);
void encode_q4_0(const float* from, const float* weights, std::byte* to, int64_t blocks);

}  // namespace chasqui::quant
