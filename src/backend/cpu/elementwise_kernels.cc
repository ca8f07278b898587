// Compiled once per instruction-set level.
#include "backend/cpu/elementwise_kernels.h"

#include "backend/cpu/simd.h"

namespace chasqui::backend::cpu::CHASQUI_ISA {

ElementwiseKernels elementwise_kernels();

namespace {

// out[i] = f(i, lanes) for 16 values at a time; only the last call has fewer lanes.
template <typename F>
CHASQUI_INLINE void each(float* out, int64_t n, F f) {
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) store(out + i, f(i, 16));
  const int left = static_cast<int>(n - i);
  if (left > 0) store_first(out + i, f(i, left), left);
}

void add_scaled(const float* a, const float* b, AddScales scales, float* out, int64_t n) {
  each(out, n, [&](int64_t i, int lanes) {
    const F32x16 sum = fma(load_first(b + i, lanes), set1(scales.b), load_first(a + i, lanes));
    return mul(sum, set1(scales.sum));
  });
}

void scale(const float* x, float factor, float* out, int64_t n) {
  each(out, n, [&](int64_t i, int lanes) { return mul(load_first(x + i, lanes), set1(factor)); });
}

void weighted_sum(const float* rows, int64_t stride, const float* weights, int64_t count,
                  float* out, int64_t n) {
  each(out, n, [&](int64_t i, int lanes) {
    F32x16 acc = zero();
    for (int64_t s = 0; s < count; ++s) {
      acc = fma(set1(weights[s]), load_first(rows + s * stride + i, lanes), acc);
    }
    return acc;
  });
}

}  // namespace

ElementwiseKernels elementwise_kernels() {
  return {add_scaled, scale, weighted_sum};
}

}  // namespace chasqui::backend::cpu::CHASQUI_ISA
