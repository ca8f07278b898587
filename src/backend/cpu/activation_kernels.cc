// Compiled once per instruction-set level.
#include "backend/cpu/activation_kernels.h"

#include "backend/cpu/simd.h"
#include "backend/cpu/vector_math.h"

namespace chasqui::backend::cpu::CHASQUI_ISA {

ActivationKernels activation_kernels();

namespace {

CHASQUI_INLINE F32x16 half_of(F32x16 x) {
  return mul(x, set1(0.5f));
}

// The normal distribution function, to a few units in the last place on both sides:
// |x| < sqrt 2: 1/2 + erf(z) / 2 with z = |x| / sqrt 2 and erf(z) = z P(z^2);
// beyond:       erfc(z) / 2 with erfc(z) = e^(-z^2) Q(1 / (1 + z / 3)), which keeps the relative
//               precision of the tail that 1 - erf(z) would lose.
// P and Q are Chebyshev fits of degree 6 and 8 (relative error below 2^-25 in exact arithmetic).
CHASQUI_INLINE F32x16 normal_cdf(F32x16 x) {
  const F32x16 z = mul(abs(x), set1(0.70710678f));
  const F32x16 u = mul(z, z);
  F32x16 p = set1(7.8758749e-05f);
  p = fma(p, u, set1(-8.0168643e-04f));
  p = fma(p, u, set1(5.1890872e-03f));
  p = fma(p, u, set1(-2.6854211e-02f));
  p = fma(p, u, set1(1.1283594e-01f));
  p = fma(p, u, set1(-3.7612626e-01f));
  p = fma(p, u, set1(1.1283791f));
  const F32x16 erf_half = half_of(mul(z, p));

  const F32x16 t = div(set1(1.0f), fma(z, set1(0.33333334f), set1(1.0f)));
  F32x16 q = set1(-0.141520247f);
  q = fma(q, t, set1(0.472262323f));
  q = fma(q, t, set1(-0.389747143f));
  q = fma(q, t, set1(0.461228848f));
  q = fma(q, t, set1(0.00815359969f));
  q = fma(q, t, set1(0.220499545f));
  q = fma(q, t, set1(0.180280209f));
  q = fma(q, t, set1(0.18887037f));
  q = fma(q, t, set1(-3.64666776e-05f));
  // e^(-x^2 / 2) with the rounding error of the square put back.
  // From 16 on it is 0; the bound keeps infinity out of the difference.
  const F32x16 a = min(abs(x), set1(16.0f));
  const F32x16 square = mul(a, a);
  const F32x16 lost = fnma(a, a, square);  // square - a^2
  const F32x16 e = exp(mul(square, set1(-0.5f)));
  const F32x16 tail = half_of(mul(q, fma(e, half_of(lost), e)));

  const F32x16 lower = select(less(z, set1(1.0f)), sub(set1(0.5f), erf_half), tail);
  return select(less(x, zero()), lower, sub(set1(1.0f), lower));
}

CHASQUI_INLINE F32x16 gelu(F32x16 x) {
  return mul(x, normal_cdf(x));
}

// x/2 (1 + tanh u) = x sigmoid(2u), which does not cancel; u = sqrt(2/pi) (x + 0.044715 x^3).
CHASQUI_INLINE F32x16 gelu_tanh(F32x16 x) {
  const F32x16 cubic = fma(mul(x, x), set1(0.044715f), set1(1.0f));
  const F32x16 twice_u = mul(mul(x, set1(1.59576912f)), cubic);
  return div(x, add(set1(1.0f), exp(sub(zero(), twice_u))));
}

CHASQUI_INLINE F32x16 gelu_quick(F32x16 x) {
  return div(x, add(set1(1.0f), exp(mul(x, set1(-1.702f)))));
}

// In this order NaN comes through.
CHASQUI_INLINE F32x16 relu(F32x16 x) {
  return max(zero(), x);
}

CHASQUI_INLINE F32x16 relu_squared(F32x16 x) {
  return mul(relu(x), relu(x));
}

CHASQUI_INLINE F32x16 identity(F32x16 x) {
  return x;
}

template <F32x16 (*kFunction)(F32x16)>
void run(const float* gate, const float* up, float* out, int64_t n) {
  for (int64_t i = 0; i < n; i += 16) {
    const int lanes = static_cast<int>(n - i < 16 ? n - i : 16);
    F32x16 y = kFunction(load_first(gate + i, lanes));
    if (up != nullptr) y = mul(y, load_first(up + i, lanes));
    store_first(out + i, y, lanes);
  }
}

void run_clamped_swiglu(const float* gate, const float* up, float* out, int64_t n) {
  for (int64_t i = 0; i < n; i += 16) {
    const int lanes = static_cast<int>(n - i < 16 ? n - i : 16);
    // In this order NaN comes through.
    const F32x16 g = min(set1(7.0f), load_first(gate + i, lanes));
    const F32x16 u = max(set1(-7.0f), min(set1(7.0f), load_first(up + i, lanes)));
    store_first(out + i, mul(gelu_quick(g), add(u, set1(1.0f))), lanes);
  }
}

}  // namespace

ActivationKernels activation_kernels() {
  return {{run<silu>, run<gelu>, run<gelu_tanh>, run<gelu_quick>, run<relu>, run<relu_squared>,
           run<sigmoid>, run<identity>, run_clamped_swiglu}};
}

}  // namespace chasqui::backend::cpu::CHASQUI_ISA
