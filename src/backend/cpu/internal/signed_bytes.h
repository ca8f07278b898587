// 32 values rounded to signed bytes with one scale: what integer products take of an activation or
// a query. Included by kernel files only.
#pragma once

#include "backend/cpu/simd.h"

namespace chasqui::backend::cpu::CHASQUI_ISA {

struct SignedBytes {
  float scale;       // value = scale * byte
  int32_t low_sum;   // of the first 16 bytes
  int32_t high_sum;  // of the others
};

// scale = largest magnitude / 127, q = x / scale to the nearest, ties to even, in [-127, 127].
// Infinities and NaN make the scale NaN, so that a broken row stays visibly broken.
CHASQUI_INLINE SignedBytes to_signed_bytes(const float* x, int8_t* q) {
  const F32x16 a = load(x);
  const F32x16 b = load(x + 16);
  const float largest = max_lane(max(abs(a), abs(b)));
  const float poison = sum(fma(a, zero(), mul(b, zero())));  // 0 or NaN
  // A subnormal largest value would make the inverse infinite; such groups count as zero.
  const float inverse = largest >= 0x1.0p-118f ? 127.0f / largest : 0.0f;
  const F32x16 least = set1(-127.0f);
  const F32x16 most = set1(127.0f);
  // max(x, least) is `least` for NaN, which keeps the bytes in range.
  const F32x16 qa = min(max(round_nearest(mul(a, set1(inverse))), least), most);
  const F32x16 qb = min(max(round_nearest(mul(b, set1(inverse))), least), most);
  store_i8(q, to_i32(qa));
  store_i8(q + 16, to_i32(qb));
  // Both sums in one: each is at most 16 x 127 < 2048 in magnitude, so 4096 x one + the other is
  // exact in f32, and so are all partial sums.
  const auto both = static_cast<int32_t>(sum(fma(qb, set1(4096.0f), qa)));
  const int32_t high = (both + 2048) >> 12;
  return {largest / 127.0f + poison, both - 4096 * high, high};
}

}  // namespace chasqui::backend::cpu::CHASQUI_ISA
