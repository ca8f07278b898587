// Elementary functions over F32x16, written once: the same bits on every level.
#pragma once

#include "backend/cpu/simd.h"

namespace chasqui::backend::cpu::CHASQUI_ISA {

// e^x. Relative error below 2 units in the last place in [-87.3, 88.7]; 0 below that range
// (subnormal results are flushed), infinity above it, NaN for NaN.
// Method: x = n ln 2 + r with |r| <= ln 2 / 2, Taylor-like polynomial of degree 6 in r (minimax
// coefficients as in Cephes' expf), then 2^n by adding to the exponent.
CHASQUI_INLINE F32x16 exp(F32x16 x) {
  const F32x16 top = set1(88.722839f);  // ln(largest float)
  const F32x16 bottom = set1(-87.336544f);
  const F32x16 inside = max(min(x, top), bottom);
  const F32x16 n = round_nearest(mul(inside, set1(1.44269504088896341f)));
  // ln 2 in two parts, so that n * high is exact.
  F32x16 r = fnma(n, set1(0.693359375f), inside);
  r = fnma(n, set1(-2.12194440e-4f), r);
  F32x16 p = set1(1.9875691500e-4f);
  p = fma(p, r, set1(1.3981999507e-3f));
  p = fma(p, r, set1(8.3334519073e-3f));
  p = fma(p, r, set1(4.1665795894e-2f));
  p = fma(p, r, set1(1.6666665459e-1f));
  p = fma(p, r, set1(5.0000001201e-1f));
  p = add(fma(p, mul(r, r), r), set1(1.0f));
  // n = 128 does not fit one exponent, so 2^n is applied in two halves.
  const I32x16 whole = to_i32(n);
  const I32x16 half = isub(shift_right<1>(iadd(whole, iset1(256))), iset1(128));
  const I32x16 rest = isub(whole, half);
  p = mul(p, as_f32(shift_left<23>(iadd(half, iset1(127)))));
  p = mul(p, as_f32(shift_left<23>(iadd(rest, iset1(127)))));
  p = select(less(x, bottom), zero(), p);
  p = select(less(top, x), as_f32(iset1(0x7f800000)), p);
  // min and max drop a NaN on the way in; adding x brings it back.
  const Mask16 number = less(abs(x), as_f32(iset1(0x7f800000)));
  const F32x16 odd = select(less(x, zero()), zero(), add(x, x));
  return select(number, p, odd);
}

// 1 / (1 + e^-x), without overflow.
CHASQUI_INLINE F32x16 sigmoid(F32x16 x) {
  return div(set1(1.0f), add(set1(1.0f), exp(sub(zero(), x))));
}

// x * sigmoid(x).
CHASQUI_INLINE F32x16 silu(F32x16 x) {
  return div(x, add(set1(1.0f), exp(sub(zero(), x))));
}

// (1 - e) / (1 + e) with e = exp(-2|x|); near zero, where that cancels, an odd polynomial.
CHASQUI_INLINE F32x16 tanh(F32x16 x) {
  const F32x16 a = abs(x);
  const F32x16 e = exp(mul(a, set1(-2.0f)));
  F32x16 big = div(sub(set1(1.0f), e), add(set1(1.0f), e));
  big = select(less(x, zero()), sub(zero(), big), big);
  // Cephes' tanhf below 0.625.
  const F32x16 z = mul(x, x);
  F32x16 p = set1(-5.70498872745e-3f);
  p = fma(p, z, set1(2.06390887954e-2f));
  p = fma(p, z, set1(-5.37397155531e-2f));
  p = fma(p, z, set1(1.33314422036e-1f));
  p = fma(p, z, set1(-3.33332819422e-1f));
  const F32x16 small = fma(mul(p, z), x, x);
  return select(less(a, set1(0.625f)), small, big);
}

}  // namespace chasqui::backend::cpu::CHASQUI_ISA
