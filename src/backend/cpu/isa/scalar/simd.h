// Plain C++: arrays with loops. The twin that the SIMD levels are tested against, and the level of
// machines that have no other. Contract: backend/cpu/simd.h.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace chasqui::backend::cpu::scalar {

constexpr int kLanes = 16;
constexpr int kWideOffset = 128;
constexpr int kVectorRegisters = 8;  // no registers to speak of; as AVX2

struct F32x16 {
  float v[16];
};
struct I32x16 {
  int32_t v[16];
};
struct U8x64 {
  uint8_t v[64];
};
struct S8x64 {
  int8_t v[64];
};
struct Mask16 {
  bool v[16];
};

// f(lane) for each of the 16 lanes makes a vector.
template <typename F>
CHASQUI_INLINE F32x16 lanes(F f) {
  F32x16 r;
  for (int i = 0; i < 16; ++i) r.v[i] = f(i);
  return r;
}
template <typename F>
CHASQUI_INLINE I32x16 ilanes(F f) {
  I32x16 r;
  for (int i = 0; i < 16; ++i) r.v[i] = f(i);
  return r;
}
template <typename F>
CHASQUI_INLINE Mask16 mask_lanes(F f) {
  Mask16 r;
  for (int i = 0; i < 16; ++i) r.v[i] = f(i);
  return r;
}

CHASQUI_INLINE float float_of(uint32_t bits) {
  float f;
  __builtin_memcpy(&f, &bits, 4);
  return f;
}
CHASQUI_INLINE uint32_t bits_of(float f) {
  uint32_t bits;
  __builtin_memcpy(&bits, &f, 4);
  return bits;
}

// IEEE 754 binary16. Signalling NaNs become quiet, as the hardware does it.
inline float widen_half(uint16_t h) {
  const uint32_t sign = static_cast<uint32_t>(h & 0x8000) << 16;
  const uint32_t exponent = (h >> 10) & 31;
  const uint32_t mantissa = h & 0x3ff;
  if (exponent == 31) {
    return float_of(sign | 0x7f800000 | (mantissa << 13) | (mantissa ? 0x400000 : 0));
  }
  if (exponent != 0) return float_of(sign | ((exponent + 112) << 23) | (mantissa << 13));
  const float subnormal = static_cast<float>(mantissa) * 0x1.0p-24f;
  return sign ? -subnormal : subnormal;
}
inline uint16_t narrow_half(float f) {
  const uint32_t bits = bits_of(f);
  const uint32_t sign = (bits >> 16) & 0x8000;
  const uint32_t magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) {
    return static_cast<uint16_t>(sign | 0x7e00 | ((magnitude >> 13) & 0x3ff));
  }
  if (magnitude >= 0x477ff000) return static_cast<uint16_t>(sign | 0x7c00);  // rounds past 65504
  if (magnitude >= 0x38800000) {                                             // normal half
    const uint32_t odd = (magnitude >> 13) & 1;
    return static_cast<uint16_t>(sign | ((magnitude - 0x38000000 + 0xfff + odd) >> 13));
  }
  // Adding 1/2 puts a subnormal half's unit at the last bit of the f32 mantissa, rounding once.
  const uint32_t rounded = bits_of(float_of(magnitude) + 0.5f) - bits_of(0.5f);
  return static_cast<uint16_t>(sign | rounded);
}
inline uint16_t narrow_brain(float f) {
  const uint32_t bits = bits_of(f);
  if (f != f) return static_cast<uint16_t>((bits | 0x400000) >> 16);
  return static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

CHASQUI_INLINE Mask16 first_lanes(int n) {
  return mask_lanes([&](int i) { return i < n; });
}

// Memory.
CHASQUI_INLINE F32x16 load_first(const float* p, int n) {
  return lanes([&](int i) { return i < n ? p[i] : 0.0f; });
}
CHASQUI_INLINE F32x16 load(const float* p) {
  return load_first(p, 16);
}
CHASQUI_INLINE void store_first(float* p, F32x16 a, int n) {
  for (int i = 0; i < n; ++i) p[i] = a.v[i];
}
CHASQUI_INLINE void store(float* p, F32x16 a) {
  store_first(p, a, 16);
}
CHASQUI_INLINE F32x16 load_f16_first(const uint16_t* p, int n) {
  return lanes([&](int i) { return i < n ? widen_half(p[i]) : 0.0f; });
}
CHASQUI_INLINE F32x16 load_f16(const uint16_t* p) {
  return load_f16_first(p, 16);
}
CHASQUI_INLINE void store_f16_first(uint16_t* p, F32x16 a, int n) {
  for (int i = 0; i < n; ++i) p[i] = narrow_half(a.v[i]);
}
CHASQUI_INLINE void store_f16(uint16_t* p, F32x16 a) {
  store_f16_first(p, a, 16);
}
CHASQUI_INLINE F32x16 load_bf16_first(const uint16_t* p, int n) {
  return lanes([&](int i) { return i < n ? float_of(static_cast<uint32_t>(p[i]) << 16) : 0.0f; });
}
CHASQUI_INLINE F32x16 load_bf16(const uint16_t* p) {
  return load_bf16_first(p, 16);
}
CHASQUI_INLINE void store_bf16_first(uint16_t* p, F32x16 a, int n) {
  for (int i = 0; i < n; ++i) p[i] = narrow_brain(a.v[i]);
}
CHASQUI_INLINE void store_bf16(uint16_t* p, F32x16 a) {
  store_bf16_first(p, a, 16);
}
CHASQUI_INLINE I32x16 load_i32(const int32_t* p) {
  return ilanes([&](int i) { return p[i]; });
}
CHASQUI_INLINE void store_i32(int32_t* p, I32x16 a) {
  for (int i = 0; i < 16; ++i) p[i] = a.v[i];
}
CHASQUI_INLINE I32x16 load_i8(const int8_t* p) {
  return ilanes([&](int i) { return int32_t{p[i]}; });
}
CHASQUI_INLINE I32x16 load_u8x16(const uint8_t* p) {
  return ilanes([&](int i) { return int32_t{p[i]}; });
}
CHASQUI_INLINE void store_i8(int8_t* p, I32x16 a) {
  for (int i = 0; i < 16; ++i) {
    p[i] = static_cast<int8_t>(a.v[i] < -128 ? -128 : a.v[i] > 127 ? 127 : a.v[i]);
  }
}
CHASQUI_INLINE U8x64 load_u8(const void* p) {
  U8x64 r;
  __builtin_memcpy(r.v, p, 64);
  return r;
}
CHASQUI_INLINE void store_u8(void* p, U8x64 a) {
  __builtin_memcpy(p, a.v, 64);
}
CHASQUI_INLINE S8x64 broadcast_quad(const int8_t* p) {
  S8x64 r;
  for (int i = 0; i < 64; ++i) r.v[i] = p[i % 4];
  return r;
}
CHASQUI_INLINE void prefetch(const void*) {}
CHASQUI_INLINE void prefetch_far(const void*) {}

// F32x16.
CHASQUI_INLINE F32x16 set1(float x) {
  return lanes([&](int) { return x; });
}
CHASQUI_INLINE F32x16 zero() {
  return set1(0.0f);
}
CHASQUI_INLINE F32x16 add(F32x16 a, F32x16 b) {
  return lanes([&](int i) { return a.v[i] + b.v[i]; });
}
CHASQUI_INLINE F32x16 sub(F32x16 a, F32x16 b) {
  return lanes([&](int i) { return a.v[i] - b.v[i]; });
}
CHASQUI_INLINE F32x16 mul(F32x16 a, F32x16 b) {
  return lanes([&](int i) { return a.v[i] * b.v[i]; });
}
CHASQUI_INLINE F32x16 div(F32x16 a, F32x16 b) {
  return lanes([&](int i) { return a.v[i] / b.v[i]; });
}
CHASQUI_INLINE F32x16 sqrt(F32x16 a) {
  return lanes([&](int i) { return __builtin_sqrtf(a.v[i]); });
}
CHASQUI_INLINE F32x16 abs(F32x16 a) {
  return lanes([&](int i) { return __builtin_fabsf(a.v[i]); });
}
CHASQUI_INLINE F32x16 fma(F32x16 a, F32x16 b, F32x16 c) {
  return lanes([&](int i) { return __builtin_fmaf(a.v[i], b.v[i], c.v[i]); });
}
CHASQUI_INLINE F32x16 fnma(F32x16 a, F32x16 b, F32x16 c) {
  return lanes([&](int i) { return __builtin_fmaf(-a.v[i], b.v[i], c.v[i]); });
}
CHASQUI_INLINE F32x16 min(F32x16 a, F32x16 b) {
  return lanes([&](int i) { return a.v[i] < b.v[i] ? a.v[i] : b.v[i]; });
}
CHASQUI_INLINE F32x16 max(F32x16 a, F32x16 b) {
  return lanes([&](int i) { return a.v[i] > b.v[i] ? a.v[i] : b.v[i]; });
}
CHASQUI_INLINE Mask16 less(F32x16 a, F32x16 b) {
  return mask_lanes([&](int i) { return a.v[i] < b.v[i]; });
}
CHASQUI_INLINE F32x16 select(Mask16 m, F32x16 a, F32x16 b) {
  return lanes([&](int i) { return m.v[i] ? a.v[i] : b.v[i]; });
}
CHASQUI_INLINE float sum(F32x16 a) {
  for (int half = 8; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) a.v[i] = a.v[i] + a.v[i + half];
  }
  return a.v[0];
}
CHASQUI_INLINE float max_lane(F32x16 a) {
  for (int half = 8; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) a.v[i] = a.v[i] > a.v[i + half] ? a.v[i] : a.v[i + half];
  }
  return a.v[0];
}
CHASQUI_INLINE F32x16 round_nearest(F32x16 a) {
  return lanes([&](int i) { return __builtin_rintf(a.v[i]); });
}

// I32x16. Sums wrap around as the hardware's do.
CHASQUI_INLINE I32x16 iset1(int32_t x) {
  return ilanes([&](int) { return x; });
}
CHASQUI_INLINE I32x16 izero() {
  return iset1(0);
}
CHASQUI_INLINE int32_t wrap(int64_t x) {
  return static_cast<int32_t>(static_cast<uint32_t>(x));
}
CHASQUI_INLINE I32x16 iadd(I32x16 a, I32x16 b) {
  return ilanes([&](int i) { return wrap(int64_t{a.v[i]} + b.v[i]); });
}
CHASQUI_INLINE I32x16 isub(I32x16 a, I32x16 b) {
  return ilanes([&](int i) { return wrap(int64_t{a.v[i]} - b.v[i]); });
}
CHASQUI_INLINE I32x16 imul(I32x16 a, I32x16 b) {
  return ilanes([&](int i) { return wrap(int64_t{a.v[i]} * b.v[i]); });
}
CHASQUI_INLINE I32x16 iand(I32x16 a, I32x16 b) {
  return ilanes([&](int i) { return a.v[i] & b.v[i]; });
}
CHASQUI_INLINE I32x16 ior(I32x16 a, I32x16 b) {
  return ilanes([&](int i) { return a.v[i] | b.v[i]; });
}
template <int N>
CHASQUI_INLINE I32x16 shift_left(I32x16 a) {
  return ilanes([&](int i) { return static_cast<int32_t>(static_cast<uint32_t>(a.v[i]) << N); });
}
template <int N>
CHASQUI_INLINE I32x16 shift_right(I32x16 a) {
  return ilanes([&](int i) { return static_cast<int32_t>(static_cast<uint32_t>(a.v[i]) >> N); });
}
CHASQUI_INLINE F32x16 to_f32(I32x16 a) {
  return lanes([&](int i) { return static_cast<float>(a.v[i]); });
}
CHASQUI_INLINE I32x16 to_i32(F32x16 a) {
  // Out of range and NaN give INT_MIN, as the hardware does.
  return ilanes([&](int i) {
    const float r = __builtin_rintf(a.v[i]);
    return r >= -0x1.0p31f && r < 0x1.0p31f ? static_cast<int32_t>(r) : INT32_MIN;
  });
}
CHASQUI_INLINE F32x16 as_f32(I32x16 a) {
  return lanes([&](int i) { return float_of(static_cast<uint32_t>(a.v[i])); });
}
CHASQUI_INLINE I32x16 as_i32(F32x16 a) {
  return ilanes([&](int i) { return static_cast<int32_t>(bits_of(a.v[i])); });
}
CHASQUI_INLINE Mask16 iless(I32x16 a, I32x16 b) {
  return mask_lanes([&](int i) { return a.v[i] < b.v[i]; });
}
CHASQUI_INLINE I32x16 iselect(Mask16 m, I32x16 a, I32x16 b) {
  return ilanes([&](int i) { return m.v[i] ? a.v[i] : b.v[i]; });
}

// Bytes.
CHASQUI_INLINE U8x64 u8_set1(uint8_t x) {
  U8x64 r;
  for (int i = 0; i < 64; ++i) r.v[i] = x;
  return r;
}
CHASQUI_INLINE U8x64 band(U8x64 a, U8x64 b) {
  for (int i = 0; i < 64; ++i) a.v[i] = static_cast<uint8_t>(a.v[i] & b.v[i]);
  return a;
}
CHASQUI_INLINE U8x64 bor(U8x64 a, U8x64 b) {
  for (int i = 0; i < 64; ++i) a.v[i] = static_cast<uint8_t>(a.v[i] | b.v[i]);
  return a;
}
CHASQUI_INLINE U8x64 and_or(U8x64 a, U8x64 b, U8x64 c) {
  return bor(band(a, b), c);
}
template <int N>
CHASQUI_INLINE U8x64 shift_right_u16(U8x64 a) {
  uint16_t words[32];
  __builtin_memcpy(words, a.v, 64);
  for (int i = 0; i < 32; ++i) words[i] = static_cast<uint16_t>(words[i] >> N);
  return load_u8(words);
}
template <int N>
CHASQUI_INLINE U8x64 shift_left_u16(U8x64 a) {
  uint16_t words[32];
  __builtin_memcpy(words, a.v, 64);
  for (int i = 0; i < 32; ++i) words[i] = static_cast<uint16_t>(words[i] << N);
  return load_u8(words);
}
CHASQUI_INLINE U8x64 load_table(const void* p) {
  U8x64 r;
  for (int i = 0; i < 64; i += 16) __builtin_memcpy(r.v + i, p, 16);
  return r;
}
CHASQUI_INLINE U8x64 look_up(U8x64 table, U8x64 i) {
  U8x64 r;
  for (int k = 0; k < 64; ++k) r.v[k] = table.v[i.v[k]];
  return r;
}
CHASQUI_INLINE I32x16 dot4(I32x16 acc, U8x64 w, S8x64 x) {
  for (int i = 0; i < 64; ++i) acc.v[i / 4] += int32_t{w.v[i]} * int32_t{x.v[i]};
  return acc;
}
CHASQUI_INLINE I32x16 dot4_wide(I32x16 acc, U8x64 w, S8x64 x) {
  return dot4(acc, w, x);
}

}  // namespace chasqui::backend::cpu::scalar
