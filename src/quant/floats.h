// F32, F16 and BF16: one value a block, little-endian. F16 and BF16 round to nearest even.
#pragma once

#include <cstddef>
#include <cstdint>

namespace chasqui::quant {

// The contract of all six is QuantType's in quant_type.h.
void decode_f32(const std::byte* from, float* to, int64_t blocks);
void encode_f32(const float* from, const float* weights, std::byte* to, int64_t blocks);
void decode_f16(const std::byte* from, float* to, int64_t blocks);
void encode_f16(const float* from, const float* weights, std::byte* to, int64_t blocks);
void decode_bf16(const std::byte* from, float* to, int64_t blocks);
void encode_bf16(const float* from, const float* weights, std::byte* to, int64_t blocks);

}  // namespace chasqui::quant
