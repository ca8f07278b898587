// Kernels of rope.
#pragma once

#include <stdint.h>

namespace chasqui::backend::cpu {

// All heads of one row, in place.
struct RopeTask {
  float* x;
  int64_t heads;
  int64_t head_dim;
  int64_t half;          // pairs that are rotated
  const float* cos_sin;  // [half][2]
};

// a cos - b sin and a sin + b cos, the first product rounded, the second fused with the sum.
struct RopeKernels {
  void (*norm)(const RopeTask& task);
  void (*neox)(const RopeTask& task);
};

}  // namespace chasqui::backend::cpu
