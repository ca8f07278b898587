// IQ4_NL: 32 values of 4 bits on an uneven scale. value = d * kIq4Values[q].
#pragma once

#include <cstddef>
#include <cstdint>

namespace chasqui::quant {

// What the 4-bit codes of IQ4_NL and IQ4_XS stand for: denser around zero, where weights are.
inline constexpr int8_t kIq4Values[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                          1,    13,   25,  38,  53,  69,  89,  113};

struct BlockIQ4_NL {
  uint16_t d;      // half
  uint8_t qs[16];  // low nibbles: values 0..15, high nibbles: values 16..31
};
static_assert(sizeof(BlockIQ4_NL) == 18);

// The contract is QuantType's in quant_type.h.
void decode_iq4_nl(const std::byte* from, float* to, int64_t blocks);
void encode_iq4_nl(const float* from, const float* weights, std::byte* to, int64_t blocks);

}  // namespace chasqui::quant
