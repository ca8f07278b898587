// Compiled once per instruction-set level.
#include "backend/cpu/route_kernels.h"

#include "backend/cpu/simd.h"
#include "backend/cpu/vector_math.h"

namespace chasqui::backend::cpu::CHASQUI_ISA {

RouteKernels route_kernels();

namespace {

CHASQUI_INLINE int lanes_of(int64_t left) {
  return static_cast<int>(left < 16 ? left : 16);
}

void softmax(float* x, int64_t n) {
  const F32x16 lowest = as_f32(iset1(static_cast<int32_t>(0xff800000)));
  F32x16 best = lowest;
  for (int64_t i = 0; i < n; i += 16) {
    const int lanes = lanes_of(n - i);
    best = max(best, select(first_lanes(lanes), load_first(x + i, lanes), lowest));
  }
  const F32x16 top = set1(max_lane(best));
  F32x16 total = zero();
  for (int64_t i = 0; i < n; i += 16) {
    const int lanes = lanes_of(n - i);
    const F32x16 weight = exp(sub(load_first(x + i, lanes), top));
    store_first(x + i, weight, lanes);
    total = add(total, select(first_lanes(lanes), weight, zero()));
  }
  const F32x16 divisor = set1(sum(total));
  for (int64_t i = 0; i < n; i += 16) {
    const int lanes = lanes_of(n - i);
    store_first(x + i, div(load_first(x + i, lanes), divisor), lanes);
  }
}

void sigmoid_each(float* x, int64_t n) {
  for (int64_t i = 0; i < n; i += 16) {
    const int lanes = lanes_of(n - i);
    store_first(x + i, sigmoid(load_first(x + i, lanes)), lanes);
  }
}

}  // namespace

RouteKernels route_kernels() {
  return {softmax, sigmoid_each};
}

}  // namespace chasqui::backend::cpu::CHASQUI_ISA
