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

// a cos - b sin and a sin + b cos, each product rounded before the sum (no fused multiply-add), so
// that however the compiler arranges the loops, the bits are the same on every level.
struct RopeKernels {
  void (*norm)(const RopeTask& task);
  void (*neox)(const RopeTask& task);
};

}  // namespace chasqui::backend::cpu
