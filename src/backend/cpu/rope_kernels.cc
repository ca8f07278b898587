// Compiled once per instruction-set level. Pairs are brought into vectors by plain loops (the
// vector type has no lane shuffles; the compiler finds good ones), but the arithmetic is spelled in
// vector functions: GCC 12 turns the plain form of a rotation into fused vfmaddsub even with
// -ffp-contract=off, which gives other bits than the scalar level.
#include "backend/cpu/rope_kernels.h"

#include "backend/cpu/simd.h"

namespace chasqui::backend::cpu::CHASQUI_ISA {

RopeKernels rope_kernels();

namespace {

struct Pairs {
  F32x16 a;
  F32x16 b;
};

CHASQUI_INLINE Pairs load_pairs(const float* p, int count) {
  float a[16] = {}, b[16] = {};
  for (int i = 0; i < count; ++i) {
    a[i] = p[2 * i];
    b[i] = p[2 * i + 1];
  }
  return {load(a), load(b)};
}

CHASQUI_INLINE void store_pairs(float* p, const Pairs& pairs, int count) {
  float a[16], b[16];
  store(a, pairs.a);
  store(b, pairs.b);
  for (int i = 0; i < count; ++i) {
    p[2 * i] = a[i];
    p[2 * i + 1] = b[i];
  }
}

// x.a + i x.b times turn.a + i turn.b.
CHASQUI_INLINE Pairs rotate(const Pairs& x, const Pairs& turn) {
  return {fnma(x.b, turn.b, mul(x.a, turn.a)), fma(x.a, turn.b, mul(x.b, turn.a))};
}

void norm(const RopeTask& task) {
  for (int64_t i = 0; i < task.half; i += 16) {
    const int n = static_cast<int>(task.half - i < 16 ? task.half - i : 16);
    const Pairs turn = load_pairs(task.cos_sin + 2 * i, n);
    for (int64_t head = 0; head < task.heads; ++head) {
      float* x = task.x + head * task.head_dim + 2 * i;
      // A constant count lets the compiler make shuffles of the loops.
      if (n == 16) {
        store_pairs(x, rotate(load_pairs(x, 16), turn), 16);
      } else {
        store_pairs(x, rotate(load_pairs(x, n), turn), n);
      }
    }
  }
}

void neox(const RopeTask& task) {
  for (int64_t i = 0; i < task.half; i += 16) {
    const int n = static_cast<int>(task.half - i < 16 ? task.half - i : 16);
    const Pairs turn = load_pairs(task.cos_sin + 2 * i, n);
    for (int64_t head = 0; head < task.heads; ++head) {
      float* low = task.x + head * task.head_dim + i;
      float* high = low + task.half;
      const Pairs turned = rotate({load_first(low, n), load_first(high, n)}, turn);
      store_first(low, turned.a, n);
      store_first(high, turned.b, n);
    }
  }
}

}  // namespace

RopeKernels rope_kernels() {
  return {norm, neox};
}

}  // namespace chasqui::backend::cpu::CHASQUI_ISA
