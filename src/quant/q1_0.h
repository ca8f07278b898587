// Q1_0: 128 values of one bit. value = d where the bit is set, else -d.
#pragma once

#include <cstddef>
#include <cstdint>

namespace chasqui::quant {

struct BlockQ1_0 {
  uint16_t d;      // half
  uint8_t qs[16];  // value i: bit i % 8 of byte i / 8
};
static_assert(sizeof(BlockQ1_0) == 18);

// The contract is QuantType's in quant_type.h.
void decode_q1_0(const std::byte* from, float* to, int64_t blocks);
void encode_q1_0(const float* from, const float* weights, std::byte* to, int64_t blocks);

}  // namespace chasqui::quant
