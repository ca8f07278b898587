// AVX-512 F/BW/VL/DQ with VNNI: one register a vector. Contract: backend/cpu/simd.h.
#pragma once

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

namespace chasqui::backend::cpu::avx512 {

constexpr int kLanes = 16;
constexpr int kWideOffset = 128;
constexpr int kVectorRegisters = 32;  // F32x16 values that fit

struct F32x16 {
  __m512 v;
};
struct I32x16 {
  __m512i v;
};
struct U8x64 {
  __m512i v;
};
struct S8x64 {
  __m512i v;
};
struct Mask16 {
  __mmask16 m;
};

CHASQUI_INLINE Mask16 first_lanes(int n) {
  return {static_cast<__mmask16>((1u << n) - 1)};
}

// Memory.
CHASQUI_INLINE F32x16 load(const float* p) {
  return {_mm512_loadu_ps(p)};
}
CHASQUI_INLINE F32x16 load_first(const float* p, int n) {
  return {_mm512_maskz_loadu_ps(first_lanes(n).m, p)};
}
CHASQUI_INLINE void store(float* p, F32x16 a) {
  _mm512_storeu_ps(p, a.v);
}
CHASQUI_INLINE void store_first(float* p, F32x16 a, int n) {
  _mm512_mask_storeu_ps(p, first_lanes(n).m, a.v);
}
CHASQUI_INLINE F32x16 load_f16(const uint16_t* p) {
  return {_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
}
CHASQUI_INLINE F32x16 load_f16_first(const uint16_t* p, int n) {
  return {_mm512_cvtph_ps(_mm256_maskz_loadu_epi16(first_lanes(n).m, p))};
}
CHASQUI_INLINE __m256i halves(F32x16 a) {
  return _mm512_cvtps_ph(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
CHASQUI_INLINE void store_f16(uint16_t* p, F32x16 a) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), halves(a));
}
CHASQUI_INLINE void store_f16_first(uint16_t* p, F32x16 a, int n) {
  _mm256_mask_storeu_epi16(p, first_lanes(n).m, halves(a));
}
CHASQUI_INLINE F32x16 widen_bf16(__m256i bits) {
  return {_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16))};
}
// vcvtneps2bf16 flushes subnormals, so the rounding is done in integers.
CHASQUI_INLINE __m256i narrow_bf16(F32x16 a) {
  const __m512i bits = _mm512_castps_si512(a.v);
  const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
  const __m512i rounded = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
  const __m512i quiet = _mm512_or_si512(bits, _mm512_set1_epi32(0x400000));
  const __mmask16 nan = _mm512_cmp_ps_mask(a.v, a.v, _CMP_UNORD_Q);
  return _mm512_cvtepi32_epi16(_mm512_srli_epi32(_mm512_mask_mov_epi32(rounded, nan, quiet), 16));
}
CHASQUI_INLINE F32x16 load_bf16(const uint16_t* p) {
  return widen_bf16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
CHASQUI_INLINE F32x16 load_bf16_first(const uint16_t* p, int n) {
  return widen_bf16(_mm256_maskz_loadu_epi16(first_lanes(n).m, p));
}
CHASQUI_INLINE void store_bf16(uint16_t* p, F32x16 a) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), narrow_bf16(a));
}
CHASQUI_INLINE void store_bf16_first(uint16_t* p, F32x16 a, int n) {
  _mm256_mask_storeu_epi16(p, first_lanes(n).m, narrow_bf16(a));
}
CHASQUI_INLINE I32x16 load_i32(const int32_t* p) {
  return {_mm512_loadu_si512(p)};
}
CHASQUI_INLINE void store_i32(int32_t* p, I32x16 a) {
  _mm512_storeu_si512(p, a.v);
}
CHASQUI_INLINE I32x16 load_i8(const int8_t* p) {
  return {_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))};
}
CHASQUI_INLINE I32x16 load_u8x16(const uint8_t* p) {
  return {_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))};
}
CHASQUI_INLINE void store_i8(int8_t* p, I32x16 a) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtsepi32_epi8(a.v));
}
CHASQUI_INLINE U8x64 load_u8(const void* p) {
  return {_mm512_loadu_si512(p)};
}
CHASQUI_INLINE void store_u8(void* p, U8x64 a) {
  _mm512_storeu_si512(p, a.v);
}
CHASQUI_INLINE S8x64 broadcast_quad(const int8_t* p) {
  int32_t quad;
  __builtin_memcpy(&quad, p, 4);
  return {_mm512_set1_epi32(quad)};
}
CHASQUI_INLINE void prefetch(const void* p) {
  _mm_prefetch(static_cast<const char*>(p), _MM_HINT_T0);
}
CHASQUI_INLINE void prefetch_far(const void* p) {
  _mm_prefetch(static_cast<const char*>(p), _MM_HINT_T1);
}

// F32x16.
CHASQUI_INLINE F32x16 zero() {
  return {_mm512_setzero_ps()};
}
CHASQUI_INLINE F32x16 set1(float x) {
  return {_mm512_set1_ps(x)};
}
CHASQUI_INLINE F32x16 add(F32x16 a, F32x16 b) {
  return {_mm512_add_ps(a.v, b.v)};
}
CHASQUI_INLINE F32x16 sub(F32x16 a, F32x16 b) {
  return {_mm512_sub_ps(a.v, b.v)};
}
CHASQUI_INLINE F32x16 mul(F32x16 a, F32x16 b) {
  return {_mm512_mul_ps(a.v, b.v)};
}
CHASQUI_INLINE F32x16 div(F32x16 a, F32x16 b) {
  return {_mm512_div_ps(a.v, b.v)};
}
CHASQUI_INLINE F32x16 sqrt(F32x16 a) {
  return {_mm512_sqrt_ps(a.v)};
}
CHASQUI_INLINE F32x16 abs(F32x16 a) {
  return {_mm512_abs_ps(a.v)};
}
CHASQUI_INLINE F32x16 fma(F32x16 a, F32x16 b, F32x16 c) {
  return {_mm512_fmadd_ps(a.v, b.v, c.v)};
}
CHASQUI_INLINE F32x16 fnma(F32x16 a, F32x16 b, F32x16 c) {
  return {_mm512_fnmadd_ps(a.v, b.v, c.v)};
}
CHASQUI_INLINE F32x16 min(F32x16 a, F32x16 b) {
  return {_mm512_min_ps(a.v, b.v)};
}
CHASQUI_INLINE F32x16 max(F32x16 a, F32x16 b) {
  return {_mm512_max_ps(a.v, b.v)};
}
CHASQUI_INLINE Mask16 less(F32x16 a, F32x16 b) {
  return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ)};
}
CHASQUI_INLINE F32x16 select(Mask16 m, F32x16 a, F32x16 b) {
  return {_mm512_mask_blend_ps(m.m, b.v, a.v)};
}
CHASQUI_INLINE float sum(F32x16 a) {
  const __m256 q = _mm256_add_ps(_mm512_castps512_ps256(a.v), _mm512_extractf32x8_ps(a.v, 1));
  const __m128 r = _mm_add_ps(_mm256_castps256_ps128(q), _mm256_extractf128_ps(q, 1));
  const __m128 s = _mm_add_ps(r, _mm_movehl_ps(r, r));
  return _mm_cvtss_f32(_mm_add_ss(s, _mm_shuffle_ps(s, s, 1)));
}
CHASQUI_INLINE float max_lane(F32x16 a) {
  const __m256 q = _mm256_max_ps(_mm512_castps512_ps256(a.v), _mm512_extractf32x8_ps(a.v, 1));
  const __m128 r = _mm_max_ps(_mm256_castps256_ps128(q), _mm256_extractf128_ps(q, 1));
  const __m128 s = _mm_max_ps(r, _mm_movehl_ps(r, r));
  return _mm_cvtss_f32(_mm_max_ss(s, _mm_shuffle_ps(s, s, 1)));
}
CHASQUI_INLINE F32x16 round_nearest(F32x16 a) {
  return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}

// I32x16.
CHASQUI_INLINE I32x16 izero() {
  return {_mm512_setzero_si512()};
}
CHASQUI_INLINE I32x16 iset1(int32_t x) {
  return {_mm512_set1_epi32(x)};
}
CHASQUI_INLINE I32x16 iadd(I32x16 a, I32x16 b) {
  return {_mm512_add_epi32(a.v, b.v)};
}
CHASQUI_INLINE I32x16 isub(I32x16 a, I32x16 b) {
  return {_mm512_sub_epi32(a.v, b.v)};
}
CHASQUI_INLINE I32x16 imul(I32x16 a, I32x16 b) {
  return {_mm512_mullo_epi32(a.v, b.v)};
}
CHASQUI_INLINE I32x16 iand(I32x16 a, I32x16 b) {
  return {_mm512_and_si512(a.v, b.v)};
}
CHASQUI_INLINE I32x16 ior(I32x16 a, I32x16 b) {
  return {_mm512_or_si512(a.v, b.v)};
}
template <int N>
CHASQUI_INLINE I32x16 shift_left(I32x16 a) {
  return {_mm512_slli_epi32(a.v, N)};
}
template <int N>
CHASQUI_INLINE I32x16 shift_right(I32x16 a) {
  return {_mm512_srli_epi32(a.v, N)};
}
CHASQUI_INLINE F32x16 to_f32(I32x16 a) {
  return {_mm512_cvtepi32_ps(a.v)};
}
CHASQUI_INLINE I32x16 to_i32(F32x16 a) {
  return {_mm512_cvtps_epi32(a.v)};
}
CHASQUI_INLINE F32x16 as_f32(I32x16 a) {
  return {_mm512_castsi512_ps(a.v)};
}
CHASQUI_INLINE I32x16 as_i32(F32x16 a) {
  return {_mm512_castps_si512(a.v)};
}
CHASQUI_INLINE Mask16 iless(I32x16 a, I32x16 b) {
  return {_mm512_cmplt_epi32_mask(a.v, b.v)};
}
CHASQUI_INLINE I32x16 iselect(Mask16 m, I32x16 a, I32x16 b) {
  return {_mm512_mask_blend_epi32(m.m, b.v, a.v)};
}

// Bytes.
CHASQUI_INLINE U8x64 u8_set1(uint8_t x) {
  return {_mm512_set1_epi8(static_cast<char>(x))};
}
CHASQUI_INLINE U8x64 band(U8x64 a, U8x64 b) {
  return {_mm512_and_si512(a.v, b.v)};
}
CHASQUI_INLINE U8x64 bor(U8x64 a, U8x64 b) {
  return {_mm512_or_si512(a.v, b.v)};
}
CHASQUI_INLINE U8x64 and_or(U8x64 a, U8x64 b, U8x64 c) {
  return {_mm512_ternarylogic_epi64(a.v, b.v, c.v, 0xea)};
}
template <int N>
CHASQUI_INLINE U8x64 shift_right_u16(U8x64 a) {
  return {_mm512_srli_epi16(a.v, N)};
}
template <int N>
CHASQUI_INLINE U8x64 shift_left_u16(U8x64 a) {
  return {_mm512_slli_epi16(a.v, N)};
}
CHASQUI_INLINE U8x64 load_table(const void* p) {
  return {_mm512_broadcast_i32x4(_mm_loadu_si128(static_cast<const __m128i*>(p)))};
}
CHASQUI_INLINE U8x64 look_up(U8x64 table, U8x64 i) {
  return {_mm512_shuffle_epi8(table.v, i.v)};
}
CHASQUI_INLINE I32x16 dot4(I32x16 acc, U8x64 w, S8x64 x) {
  return {_mm512_dpbusd_epi32(acc.v, w.v, x.v)};
}
CHASQUI_INLINE I32x16 dot4_wide(I32x16 acc, U8x64 w, S8x64 x) {
  return dot4(acc, w, x);
}

}  // namespace chasqui::backend::cpu::avx512
