// Q8_0: 32 values of 8 bits with one scale. value = d * q, q in -127..127.
#pragma once

#include <cstddef>
#include <cstdint>

namespace chasqui::quant {

struct BlockQ8_0 {
  uint16_t d;  // half
  int8_t qs[32];
};
static_assert(sizeof(BlockQ8_0) == 34);

// The contract is QuantType's in quant_type.h.
void decode_q8_0(const std::byte* from, float* to, int64_t blocks);
void encode_q8_0(const float* from, const float* weights, std::byte* to, int64_t blocks);

}  // namespace chasqui::quant
