// Half precision in line, for the decode loops. Same contracts as in quant_type.h.
#pragma once

#include <bit>
#include <cstdint>

namespace chasqui::quant::internal {

inline float half_to_float(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000) << 16;
  const uint32_t magnitude = static_cast<uint32_t>(half & 0x7fff) << 13;  // in binary32's places
  constexpr uint32_t kSmallestNormal = 1u << 23;
  constexpr uint32_t kInfinity = 31u << 23;
  uint32_t bits;
  if (magnitude >= kInfinity) {
    bits = magnitude + ((255u - 31u) << 23);
  } else if (magnitude >= kSmallestNormal) {
    bits = magnitude + ((127u - 15u) << 23);
  } else {
    bits = std::bit_cast<uint32_t>(static_cast<float>(half & 0x3ff) * 0x1.0p-24f);
  }
  return std::bit_cast<float>(bits | sign);
}

inline uint16_t float_to_half(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t sign = bits >> 16 & 0x8000;
  const uint32_t magnitude = bits & 0x7fffffff;
  constexpr uint32_t kInfinity = 0x7f800000;
  constexpr uint32_t kTooLarge = (127u + 16u) << 23;        // 2^16
  constexpr uint32_t kSmallestNormal = (127u - 14u) << 23;  // 2^-14
  uint32_t half;
  if (magnitude >= kTooLarge) {
    half = magnitude > kInfinity ? 0x7e00 : 0x7c00;
  } else if (magnitude < kSmallestNormal) {
    // The spacing of floats above 0.5 is 2^-24, that of subnormal halves; the addition rounds.
    half = std::bit_cast<uint32_t>(std::bit_cast<float>(magnitude) + 0.5f) - 0x3f000000;
  } else {
    const uint32_t to_even = 0xfff + (magnitude >> 13 & 1);
    half = ((magnitude + to_even) >> 13) - ((127u - 15u) << 10);
  }
  return static_cast<uint16_t>(half | sign);
}

inline float bfloat16_to_float(uint16_t value) {
  return std::bit_cast<float>(static_cast<uint32_t>(value) << 16);
}

inline uint16_t float_to_bfloat16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7fffffff) > 0x7f800000) return static_cast<uint16_t>(bits >> 16 | 0x40);  // NaN
  const uint32_t to_even = 0x7fff + (bits >> 16 & 1);
  return static_cast<uint16_t>((bits + to_even) >> 16);
}

}  // namespace chasqui::quant::internal
