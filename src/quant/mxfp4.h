// MXFP4: 32 values of 4-bit floats (E2M1) under one power of two (E8M0).
// value = 2^(e - 127) * fp4. Reference: OCP Microscaling Formats (MX) Specification 1.0.
#pragma once

#include <cstddef>
#include <cstdint>

namespace chasqui::quant {

struct BlockMXFP4 {
  uint8_t e;       // exponent, biased by 127; 255 is no NaN here
  uint8_t qs[16];  // low nibbles: values 0..15, high nibbles: values 16..31
};
static_assert(sizeof(BlockMXFP4) == 17);

// The scale for doubled 4-bit floats (as in internal/fp4.h): 2^(e - 128), down to subnormals.
float mxfp4_half_scale(uint8_t e);

// The contract is QuantType's in quant_type.h.
void decode_mxfp4(const std::byte* from, float* to, int64_t blocks);
void encode_mxfp4(const float* from, const float* weights, std::byte* to, int64_t blocks);

}  // namespace chasqui::quant
