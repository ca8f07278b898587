// Compiled once per instruction-set level. Plain loops: the vector type has no lane shuffles, and
// the compiler makes good ones of these.
#include "backend/cpu/rope_kernels.h"

#include "backend/cpu/simd.h"

namespace chasqui::backend::cpu::CHASQUI_ISA {

RopeKernels rope_kernels();

namespace {

void norm(const RopeTask& task) {
  const float* __restrict cos_sin = task.cos_sin;
  for (int64_t head = 0; head < task.heads; ++head) {
    float* __restrict x = task.x + head * task.head_dim;
    for (int64_t i = 0; i < task.half; ++i) {
      const float a = x[2 * i], b = x[2 * i + 1];
      const float cosine = cos_sin[2 * i], sine = cos_sin[2 * i + 1];
      x[2 * i] = a * cosine - b * sine;
      x[2 * i + 1] = a * sine + b * cosine;
    }
  }
}

void neox(const RopeTask& task) {
  const float* __restrict cos_sin = task.cos_sin;
  for (int64_t head = 0; head < task.heads; ++head) {
    float* __restrict low = task.x + head * task.head_dim;
    float* __restrict high = low + task.half;
    for (int64_t i = 0; i < task.half; ++i) {
      const float a = low[i], b = high[i];
      const float cosine = cos_sin[2 * i], sine = cos_sin[2 * i + 1];
      low[i] = a * cosine - b * sine;
      high[i] = a * sine + b * cosine;
    }
  }
}

}  // namespace

RopeKernels rope_kernels() {
  return {norm, neox};
}

}  // namespace chasqui::backend::cpu::CHASQUI_ISA
