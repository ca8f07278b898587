// NVFP4: 4 groups of 16 values of 4-bit floats (E2M1), each group under a small float without sign
// (UE4M3). value = scale * fp4. The scale of the whole tensor is a tensor of its own in the file.
#pragma once

#include <cstddef>
#include <cstdint>

namespace chasqui::quant {

struct BlockNVFP4 {
  uint8_t d[4];    // scales: 4 bits of exponent biased by 7, 3 of mantissa; 0x7f means zero
  uint8_t qs[32];  // of group g: bytes 8 g to 8 g + 7; low nibbles: values 0..7, high: 8..15
};
static_assert(sizeof(BlockNVFP4) == 36);

// The scale for doubled 4-bit floats (as in internal/fp4.h): half of what the code stands for.
// The top bit is ignored.
float nvfp4_half_scale(uint8_t code);

// The contract is QuantType's in quant_type.h.
void decode_nvfp4(const std::byte* from, float* to, int64_t blocks);
void encode_nvfp4(const float* from, const float* weights, std::byte* to, int64_t blocks);

}  // namespace chasqui::quant
