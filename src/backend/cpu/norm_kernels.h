// Kernel of norm.
#pragma once

#include <stdint.h>

namespace chasqui::backend::cpu {

// `count` groups of `group` neighbouring values.
struct NormTask {
  const float* x;
  float* out;  // may be x
  int64_t group;
  int64_t count;
  const float* weight;  // optional
  const float* bias;    // optional
  int64_t weight_step;  // from one group's weights and biases to the next's: 0 or group
  float eps;
};

// Sums: 16 lanes of f32 over runs of 512 values (32 additions a lane), runs in double precision.
struct NormKernels {
  void (*rms)(const NormTask& task);
  void (*layer)(const NormTask& task);
  void (*l2)(const NormTask& task);
};

}  // namespace chasqui::backend::cpu
