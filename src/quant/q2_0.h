// Q2_0: 64 values of 2 bits with one scale. value = d * (q - 1), q in 0..3.
#pragma once

#include <cstddef>
#include <cstdint>

namespace chasqui::quant {

struct BlockQ2_0 {
  uint16_t d;      // half
  uint8_t qs[16];  // value i: bits 2 (i % 4), 2 (i % 4) + 1 of byte i / 4
};
static_assert(sizeof(BlockQ2_0) == 18);

// The contract is QuantType's in quant_type.h.
void decode_q2_0(const std::byte* from, float* to, int64_t blocks);
void encode_q2_0(const float* from, const float* weights, std::byte* to, int64_t blocks);

}  // namespace chasqui::quant
