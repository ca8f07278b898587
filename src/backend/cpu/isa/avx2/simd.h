// AVX2 with FMA and F16C: two registers a vector, `lo` holds lanes 0-7 (bytes 0-31).
// Contract: backend/cpu/simd.h.
#pragma once

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

namespace chasqui::backend::cpu::avx2 {

constexpr int kLanes = 16;
constexpr int kWideOffset = 0;
constexpr int kVectorRegisters = 8;  // F32x16 values that fit: 16 registers of half the width

struct F32x16 {
  __m256 lo, hi;
};
struct I32x16 {
  __m256i lo, hi;
};
struct U8x64 {
  __m256i lo, hi;
};
struct S8x64 {
  __m256i lo, hi;
};
struct Mask16 {
  __m256i lo, hi;
};

CHASQUI_INLINE Mask16 first_lanes(int n) {
  const __m256i count = _mm256_set1_epi32(n);
  return {_mm256_cmpgt_epi32(count, _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)),
          _mm256_cmpgt_epi32(count, _mm256_setr_epi32(8, 9, 10, 11, 12, 13, 14, 15))};
}
CHASQUI_INLINE __m256i load_256(const void* p) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(p));
}
CHASQUI_INLINE __m128i load_128(const void* p) {
  return _mm_loadu_si128(static_cast<const __m128i*>(p));
}

// Memory.
CHASQUI_INLINE F32x16 load(const float* p) {
  return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)};
}
CHASQUI_INLINE F32x16 load_first(const float* p, int n) {
  const Mask16 m = first_lanes(n);
  return {_mm256_maskload_ps(p, m.lo), _mm256_maskload_ps(p + 8, m.hi)};
}
CHASQUI_INLINE void store(float* p, F32x16 a) {
  _mm256_storeu_ps(p, a.lo);
  _mm256_storeu_ps(p + 8, a.hi);
}
CHASQUI_INLINE void store_first(float* p, F32x16 a, int n) {
  const Mask16 m = first_lanes(n);
  _mm256_maskstore_ps(p, m.lo, a.lo);
  _mm256_maskstore_ps(p + 8, m.hi, a.hi);
}
// 16-bit elements have no masked access here; tails go through a stack buffer.
CHASQUI_INLINE void copy_halves(uint16_t* to, const uint16_t* from, int n) {
  for (int i = 0; i < n; ++i) to[i] = from[i];
}
CHASQUI_INLINE F32x16 load_f16(const uint16_t* p) {
  return {_mm256_cvtph_ps(load_128(p)), _mm256_cvtph_ps(load_128(p + 8))};
}
CHASQUI_INLINE F32x16 load_f16_first(const uint16_t* p, int n) {
  uint16_t buffer[16] = {};
  copy_halves(buffer, p, n);
  return load_f16(buffer);
}
CHASQUI_INLINE void store_f16(uint16_t* p, F32x16 a) {
  constexpr int kNearest = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_cvtps_ph(a.lo, kNearest));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p + 8), _mm256_cvtps_ph(a.hi, kNearest));
}
CHASQUI_INLINE void store_f16_first(uint16_t* p, F32x16 a, int n) {
  uint16_t buffer[16];
  store_f16(buffer, a);
  copy_halves(p, buffer, n);
}
CHASQUI_INLINE __m256 widen_bf16(__m128i bits) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16));
}
CHASQUI_INLINE __m256i round_bf16(__m256 a) {
  const __m256i bits = _mm256_castps_si256(a);
  const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
  const __m256i rounded = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
  const __m256i quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x400000));
  const __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(a, a, _CMP_UNORD_Q));
  return _mm256_srli_epi32(_mm256_blendv_epi8(rounded, quiet, nan), 16);
}
CHASQUI_INLINE F32x16 load_bf16(const uint16_t* p) {
  return {widen_bf16(load_128(p)), widen_bf16(load_128(p + 8))};
}
CHASQUI_INLINE F32x16 load_bf16_first(const uint16_t* p, int n) {
  uint16_t buffer[16] = {};
  copy_halves(buffer, p, n);
  return load_bf16(buffer);
}
CHASQUI_INLINE void store_bf16(uint16_t* p, F32x16 a) {
  // packus works within 128-bit halves; the permutation puts the quarters back in order.
  const __m256i packed = _mm256_packus_epi32(round_bf16(a.lo), round_bf16(a.hi));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm256_permute4x64_epi64(packed, 0xd8));
}
CHASQUI_INLINE void store_bf16_first(uint16_t* p, F32x16 a, int n) {
  uint16_t buffer[16];
  store_bf16(buffer, a);
  copy_halves(p, buffer, n);
}
CHASQUI_INLINE I32x16 load_i32(const int32_t* p) {
  return {load_256(p), load_256(p + 8)};
}
CHASQUI_INLINE void store_i32(int32_t* p, I32x16 a) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), a.lo);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p + 8), a.hi);
}
CHASQUI_INLINE I32x16 load_i8(const int8_t* p) {
  const __m128i bytes = load_128(p);
  return {_mm256_cvtepi8_epi32(bytes), _mm256_cvtepi8_epi32(_mm_srli_si128(bytes, 8))};
}
CHASQUI_INLINE I32x16 load_u8x16(const uint8_t* p) {
  const __m128i bytes = load_128(p);
  return {_mm256_cvtepu8_epi32(bytes), _mm256_cvtepu8_epi32(_mm_srli_si128(bytes, 8))};
}
CHASQUI_INLINE void store_i8(int8_t* p, I32x16 a) {
  const __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(a.lo, a.hi), 0xd8);
  const __m128i bytes =
      _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), bytes);
}
CHASQUI_INLINE U8x64 load_u8(const void* p) {
  return {load_256(p), load_256(static_cast<const char*>(p) + 32)};
}
CHASQUI_INLINE void store_u8(void* p, U8x64 a) {
  _mm256_storeu_si256(static_cast<__m256i*>(p), a.lo);
  _mm256_storeu_si256(static_cast<__m256i*>(p) + 1, a.hi);
}
CHASQUI_INLINE S8x64 broadcast_quad(const int8_t* p) {
  int32_t quad;
  __builtin_memcpy(&quad, p, 4);
  const __m256i v = _mm256_set1_epi32(quad);
  return {v, v};
}
CHASQUI_INLINE void prefetch(const void* p) {
  _mm_prefetch(static_cast<const char*>(p), _MM_HINT_T0);
}
CHASQUI_INLINE void prefetch_far(const void* p) {
  _mm_prefetch(static_cast<const char*>(p), _MM_HINT_T1);
}

// F32x16.
CHASQUI_INLINE F32x16 zero() {
  return {_mm256_setzero_ps(), _mm256_setzero_ps()};
}
CHASQUI_INLINE F32x16 set1(float x) {
  return {_mm256_set1_ps(x), _mm256_set1_ps(x)};
}
CHASQUI_INLINE F32x16 add(F32x16 a, F32x16 b) {
  return {_mm256_add_ps(a.lo, b.lo), _mm256_add_ps(a.hi, b.hi)};
}
CHASQUI_INLINE F32x16 sub(F32x16 a, F32x16 b) {
  return {_mm256_sub_ps(a.lo, b.lo), _mm256_sub_ps(a.hi, b.hi)};
}
CHASQUI_INLINE F32x16 mul(F32x16 a, F32x16 b) {
  return {_mm256_mul_ps(a.lo, b.lo), _mm256_mul_ps(a.hi, b.hi)};
}
CHASQUI_INLINE F32x16 div(F32x16 a, F32x16 b) {
  return {_mm256_div_ps(a.lo, b.lo), _mm256_div_ps(a.hi, b.hi)};
}
CHASQUI_INLINE F32x16 sqrt(F32x16 a) {
  return {_mm256_sqrt_ps(a.lo), _mm256_sqrt_ps(a.hi)};
}
CHASQUI_INLINE F32x16 abs(F32x16 a) {
  const __m256 sign = _mm256_set1_ps(-0.0f);
  return {_mm256_andnot_ps(sign, a.lo), _mm256_andnot_ps(sign, a.hi)};
}
CHASQUI_INLINE F32x16 fma(F32x16 a, F32x16 b, F32x16 c) {
  return {_mm256_fmadd_ps(a.lo, b.lo, c.lo), _mm256_fmadd_ps(a.hi, b.hi, c.hi)};
}
CHASQUI_INLINE F32x16 fnma(F32x16 a, F32x16 b, F32x16 c) {
  return {_mm256_fnmadd_ps(a.lo, b.lo, c.lo), _mm256_fnmadd_ps(a.hi, b.hi, c.hi)};
}
CHASQUI_INLINE F32x16 min(F32x16 a, F32x16 b) {
  return {_mm256_min_ps(a.lo, b.lo), _mm256_min_ps(a.hi, b.hi)};
}
CHASQUI_INLINE F32x16 max(F32x16 a, F32x16 b) {
  return {_mm256_max_ps(a.lo, b.lo), _mm256_max_ps(a.hi, b.hi)};
}
CHASQUI_INLINE Mask16 less(F32x16 a, F32x16 b) {
  return {_mm256_castps_si256(_mm256_cmp_ps(a.lo, b.lo, _CMP_LT_OQ)),
          _mm256_castps_si256(_mm256_cmp_ps(a.hi, b.hi, _CMP_LT_OQ))};
}
CHASQUI_INLINE F32x16 select(Mask16 m, F32x16 a, F32x16 b) {
  return {_mm256_blendv_ps(b.lo, a.lo, _mm256_castsi256_ps(m.lo)),
          _mm256_blendv_ps(b.hi, a.hi, _mm256_castsi256_ps(m.hi))};
}
CHASQUI_INLINE float sum(F32x16 a) {
  const __m256 q = _mm256_add_ps(a.lo, a.hi);
  const __m128 r = _mm_add_ps(_mm256_castps256_ps128(q), _mm256_extractf128_ps(q, 1));
  const __m128 s = _mm_add_ps(r, _mm_movehl_ps(r, r));
  return _mm_cvtss_f32(_mm_add_ss(s, _mm_shuffle_ps(s, s, 1)));
}
CHASQUI_INLINE float max_lane(F32x16 a) {
  const __m256 q = _mm256_max_ps(a.lo, a.hi);
  const __m128 r = _mm_max_ps(_mm256_castps256_ps128(q), _mm256_extractf128_ps(q, 1));
  const __m128 s = _mm_max_ps(r, _mm_movehl_ps(r, r));
  return _mm_cvtss_f32(_mm_max_ss(s, _mm_shuffle_ps(s, s, 1)));
}
CHASQUI_INLINE F32x16 round_nearest(F32x16 a) {
  constexpr int kNearest = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
  return {_mm256_round_ps(a.lo, kNearest), _mm256_round_ps(a.hi, kNearest)};
}

// I32x16.
CHASQUI_INLINE I32x16 izero() {
  return {_mm256_setzero_si256(), _mm256_setzero_si256()};
}
CHASQUI_INLINE I32x16 iset1(int32_t x) {
  return {_mm256_set1_epi32(x), _mm256_set1_epi32(x)};
}
CHASQUI_INLINE I32x16 iadd(I32x16 a, I32x16 b) {
  return {_mm256_add_epi32(a.lo, b.lo), _mm256_add_epi32(a.hi, b.hi)};
}
CHASQUI_INLINE I32x16 isub(I32x16 a, I32x16 b) {
  return {_mm256_sub_epi32(a.lo, b.lo), _mm256_sub_epi32(a.hi, b.hi)};
}
CHASQUI_INLINE I32x16 imul(I32x16 a, I32x16 b) {
  return {_mm256_mullo_epi32(a.lo, b.lo), _mm256_mullo_epi32(a.hi, b.hi)};
}
CHASQUI_INLINE I32x16 iand(I32x16 a, I32x16 b) {
  return {_mm256_and_si256(a.lo, b.lo), _mm256_and_si256(a.hi, b.hi)};
}
CHASQUI_INLINE I32x16 ior(I32x16 a, I32x16 b) {
  return {_mm256_or_si256(a.lo, b.lo), _mm256_or_si256(a.hi, b.hi)};
}
template <int N>
CHASQUI_INLINE I32x16 shift_left(I32x16 a) {
  return {_mm256_slli_epi32(a.lo, N), _mm256_slli_epi32(a.hi, N)};
}
template <int N>
CHASQUI_INLINE I32x16 shift_right(I32x16 a) {
  return {_mm256_srli_epi32(a.lo, N), _mm256_srli_epi32(a.hi, N)};
}
CHASQUI_INLINE F32x16 to_f32(I32x16 a) {
  return {_mm256_cvtepi32_ps(a.lo), _mm256_cvtepi32_ps(a.hi)};
}
CHASQUI_INLINE I32x16 to_i32(F32x16 a) {
  return {_mm256_cvtps_epi32(a.lo), _mm256_cvtps_epi32(a.hi)};
}
CHASQUI_INLINE F32x16 as_f32(I32x16 a) {
  return {_mm256_castsi256_ps(a.lo), _mm256_castsi256_ps(a.hi)};
}
CHASQUI_INLINE I32x16 as_i32(F32x16 a) {
  return {_mm256_castps_si256(a.lo), _mm256_castps_si256(a.hi)};
}
CHASQUI_INLINE Mask16 iless(I32x16 a, I32x16 b) {
  return {_mm256_cmpgt_epi32(b.lo, a.lo), _mm256_cmpgt_epi32(b.hi, a.hi)};
}
CHASQUI_INLINE I32x16 iselect(Mask16 m, I32x16 a, I32x16 b) {
  return {_mm256_blendv_epi8(b.lo, a.lo, m.lo), _mm256_blendv_epi8(b.hi, a.hi, m.hi)};
}

// Bytes.
CHASQUI_INLINE U8x64 u8_set1(uint8_t x) {
  const __m256i v = _mm256_set1_epi8(static_cast<char>(x));
  return {v, v};
}
CHASQUI_INLINE U8x64 band(U8x64 a, U8x64 b) {
  return {_mm256_and_si256(a.lo, b.lo), _mm256_and_si256(a.hi, b.hi)};
}
CHASQUI_INLINE U8x64 bor(U8x64 a, U8x64 b) {
  return {_mm256_or_si256(a.lo, b.lo), _mm256_or_si256(a.hi, b.hi)};
}
CHASQUI_INLINE U8x64 and_or(U8x64 a, U8x64 b, U8x64 c) {
  return bor(band(a, b), c);
}
template <int N>
CHASQUI_INLINE U8x64 shift_right_u16(U8x64 a) {
  return {_mm256_srli_epi16(a.lo, N), _mm256_srli_epi16(a.hi, N)};
}
template <int N>
CHASQUI_INLINE U8x64 shift_left_u16(U8x64 a) {
  return {_mm256_slli_epi16(a.lo, N), _mm256_slli_epi16(a.hi, N)};
}
CHASQUI_INLINE U8x64 load_table(const void* p) {
  const __m256i v = _mm256_broadcastsi128_si256(load_128(p));
  return {v, v};
}
CHASQUI_INLINE U8x64 look_up(U8x64 table, U8x64 i) {
  return {_mm256_shuffle_epi8(table.lo, i.lo), _mm256_shuffle_epi8(table.hi, i.hi)};
}
CHASQUI_INLINE __m256i dot4_half(__m256i acc, __m256i w, __m256i x) {
  const __m256i pairs = _mm256_maddubs_epi16(w, x);
  return _mm256_add_epi32(acc, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}
CHASQUI_INLINE I32x16 dot4(I32x16 acc, U8x64 w, S8x64 x) {
  return {dot4_half(acc.lo, w.lo, x.lo), dot4_half(acc.hi, w.hi, x.hi)};
}
// |w| <= 128 and |x| <= 127, so a pair is at most 32,512: maddubs cannot saturate once the sign of
// w has moved to x.
CHASQUI_INLINE __m256i dot4_signed_half(__m256i acc, __m256i biased, __m256i x) {
  const __m256i w = _mm256_xor_si256(biased, _mm256_set1_epi8(static_cast<char>(0x80)));
  return dot4_half(acc, _mm256_abs_epi8(w), _mm256_sign_epi8(x, w));
}
CHASQUI_INLINE I32x16 dot4_wide(I32x16 acc, U8x64 w, S8x64 x) {
  return {dot4_signed_half(acc.lo, w.lo, x.lo), dot4_signed_half(acc.hi, w.hi, x.hi)};
}

}  // namespace chasqui::backend::cpu::avx2
