#include "quant/floats.h"

#include <cstring>

#include "quant/internal/block_io.h"
#include "quant/internal/half.h"
#include "quant/quant_type.h"

namespace chasqui::quant {

using internal::load_block;
using internal::store_block;

float half_to_float(uint16_t bits) {
  return internal::half_to_float(bits);
}
uint16_t float_to_half(float value) {
  return internal::float_to_half(value);
}
float bfloat16_to_float(uint16_t bits) {
  return internal::bfloat16_to_float(bits);
}
uint16_t float_to_bfloat16(float value) {
  return internal::float_to_bfloat16(value);
}

void decode_f32(const std::byte* from, float* to, int64_t blocks) {
  std::memcpy(to, from, static_cast<size_t>(blocks) * sizeof(float));
}

void encode_f32(const float* from, const float* /*weights*/, std::byte* to, int64_t blocks) {
  std::memcpy(to, from, static_cast<size_t>(blocks) * sizeof(float));
}

void decode_f16(const std::byte* from, float* to, int64_t blocks) {
  for (int64_t i = 0; i < blocks; ++i) {
    to[i] = internal::half_to_float(load_block<uint16_t>(from, i));
  }
}

void encode_f16(const float* from, const float* /*weights*/, std::byte* to, int64_t blocks) {
  for (int64_t i = 0; i < blocks; ++i) {
    store_block(internal::float_to_half(from[i]), to, i);
  }
}

void decode_bf16(const std::byte* from, float* to, int64_t blocks) {
  for (int64_t i = 0; i < blocks; ++i) {
    to[i] = internal::bfloat16_to_float(load_block<uint16_t>(from, i));
  }
}

void encode_bf16(const float* from, const float* /*weights*/, std::byte* to, int64_t blocks) {
  for (int64_t i = 0; i < blocks; ++i) {
    store_block(internal::float_to_bfloat16(from[i]), to, i);
  }
}

}  // namespace chasqui::quant
