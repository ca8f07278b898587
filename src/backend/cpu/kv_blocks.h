// How a group of a quantised cache type (kv_pool.h has the layout) is read and written: one struct
// a type. Included by kernel files only.
#pragma once

#include "backend/cpu/kv_pool_kernels.h"
#include "backend/cpu/simd.h"

namespace chasqui::backend::cpu::CHASQUI_ISA {

constexpr int64_t kKvScaleBytes = 16 * 2;  // of a group: a half for each token

// A group of 16 tokens before it is rounded, and after: a token a lane.
using KvColumns = F32x16[kKvGroup];
struct KvCodes {
  F32x16 scale;  // a half's value
  I32x16 codes[kKvGroup];
};

// The arithmetic of quant/'s encoders, operation by operation, so that a cache rounds as the
// reference does.
CHASQUI_INLINE F32x16 rounded_to_half(F32x16 scale) {
  const F32x16 most = set1(65504.0f);
  const F32x16 finite = max(min(scale, most), sub(zero(), most));
  uint16_t bits[16];
  store_f16(bits, finite);
  return load_f16(bits);
}
CHASQUI_INLINE F32x16 inverse(F32x16 a) {
  const F32x16 inv = div(set1(1.0f), a);
  return select(less(abs(inv), as_f32(iset1(0x7f800000))), inv, zero());
}
// To the nearest in [low, high]; NaN gives low (min and max give the second when one is NaN).
CHASQUI_INLINE F32x16 quantized(F32x16 v, float low, float high) {
  const F32x16 shift = set1(12582912.0f);  // 1.5 * 2^23 pushes the fraction out
  return sub(add(max(min(set1(high), v), set1(low)), shift), shift);
}
// The value of the largest magnitude, with its sign.
CHASQUI_INLINE F32x16 signed_peak(const KvColumns& x) {
  F32x16 low = zero();
  F32x16 high = zero();
  for (int64_t i = 0; i < kKvGroup; ++i) {
    low = min(x[i], low);
    high = max(x[i], high);
  }
  return select(less(high, sub(zero(), low)), low, high);
}

struct Q8Blocks {
  static constexpr int kUnits = 8;  // 32-bit units of a token's group
  static constexpr float kLow = -127;
  static constexpr float kHigh = 127;
  static constexpr int kKeyOffset = 128;  // of the keys' codes
  static constexpr int kValueOffset = 0;  // of the values' codes

  static CHASQUI_INLINE F32x16 fit(const KvColumns& x) {
    return div(abs(signed_peak(x)), set1(127.0f));
  }
  static CHASQUI_INLINE I32x16 unit(const I32x16* codes, int u) {
    return ior(ior(codes[4 * u], shift_left<8>(codes[4 * u + 1])),
               ior(shift_left<16>(codes[4 * u + 2]), shift_left<24>(codes[4 * u + 3])));
  }
  // Four keys of each of 16 tokens, i < 8, and their product with a query's bytes.
  static CHASQUI_INLINE U8x64 keys(const uint8_t* codes, int i) { return load_u8(codes + i * 64); }
  static CHASQUI_INLINE I32x16 dot(I32x16 acc, U8x64 keys, S8x64 q) {
    return dot4_wide(acc, keys, q);
  }
  static constexpr int32_t kDotOffset = kWideOffset;  // what dot() adds for each unit of q
  // 16 values of one token, i < 2.
  static CHASQUI_INLINE F32x16 values(const uint8_t* token, int i) {
    return to_f32(load_i8(reinterpret_cast<const int8_t*>(token) + i * 16));
  }
};

struct Q4Blocks {
  static constexpr int kUnits = 4;
  static constexpr float kLow = -8;
  static constexpr float kHigh = 7;
  static constexpr int kKeyOffset = 8;
  static constexpr int kValueOffset = 8;

  // The scale that leaves the least squared error, of 9 whose ends lie around the peak.
  static CHASQUI_INLINE F32x16 fit(const KvColumns& x) {
    const F32x16 inv_peak = inverse(signed_peak(x));
    F32x16 best = zero();
    F32x16 best_gain = zero();
    for (int t = -4; t <= 4; ++t) {
      const F32x16 inv = mul(inv_peak, set1(kLow + 0.25f * static_cast<float>(t)));
      F32x16 xq[4] = {zero(), zero(), zero(), zero()};
      F32x16 qq[4] = {zero(), zero(), zero(), zero()};
      for (int64_t i = 0; i < kKvGroup; ++i) {
        const F32x16 q = quantized(mul(x[i], inv), kLow, kHigh);
        xq[i % 4] = add(xq[i % 4], mul(x[i], q));
        qq[i % 4] = add(qq[i % 4], mul(q, q));
      }
      const F32x16 total = add(add(xq[0], xq[1]), add(xq[2], xq[3]));
      const F32x16 squares = add(add(qq[0], qq[1]), add(qq[2], qq[3]));
      const F32x16 scale = div(total, squares);
      const F32x16 gain = select(less(zero(), squares), mul(scale, total), zero());
      const Mask16 better = less(best_gain, gain);
      best = select(better, scale, best);
      best_gain = select(better, gain, best_gain);
    }
    return best;
  }
  static CHASQUI_INLINE I32x16 unit(const I32x16* codes, int u) {
    return ior(Q8Blocks::unit(codes, u), shift_left<4>(Q8Blocks::unit(codes, u + 4)));
  }
  static CHASQUI_INLINE U8x64 keys(const uint8_t* codes, int i) {
    const U8x64 both = load_u8(codes + i % 4 * 64);
    return band(i < 4 ? both : shift_right_u16<4>(both), u8_set1(15));
  }
  static CHASQUI_INLINE I32x16 dot(I32x16 acc, U8x64 keys, S8x64 q) { return dot4(acc, keys, q); }
  static constexpr int32_t kDotOffset = 8;
  static CHASQUI_INLINE F32x16 values(const uint8_t* token, int i) {
    const I32x16 both = load_u8x16(token);
    const I32x16 codes = i == 0 ? iand(both, iset1(15)) : shift_right<4>(both);
    return to_f32(isub(codes, iset1(kValueOffset)));
  }
};

// Bytes of a group's codes, keys or values.
template <class Blocks>
constexpr int64_t kKvCodeBytes = 16 * 4 * Blocks::kUnits;

}  // namespace chasqui::backend::cpu::CHASQUI_ISA
