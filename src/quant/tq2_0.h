// TQ2_0: 256 values of -1, 0 or 1 with one scale, four to a byte. value = d * (t - 1), t in 0..2.
#pragma once

#include <cstddef>
#include <cstdint>

namespace chasqui::quant {

struct BlockTQ2_0 {
  uint8_t qs[64];  // value 128 h + 32 p + i: bits 2p, 2p+1 of byte 32 h + i (i < 32, p < 4)
  uint16_t d;      // half
};
static_assert(sizeof(BlockTQ2_0) == 66);

// The contract is QuantType's in quant_type.h.
void decode_tq2_0(const std::byte* from, float* to, int64_t blocks);
void encode_tq2_0(const float* from, const float* weights, std::byte* to, int64_t blocks);

}  // namespace chasqui::quant
