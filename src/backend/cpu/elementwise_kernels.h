// Kernels of the ops that compute each value from the values at its own place.
#pragma once

#include <stdint.h>

namespace chasqui::backend::cpu {

struct AddScales {
  float b;
  float sum;
};

struct ElementwiseKernels {
  // out = (a + b * scales.b) * scales.sum; out may be a.
  void (*add)(const float* a, const float* b, AddScales scales, float* out, int64_t n);
  // out = x * scale; out may be x.
  void (*scale)(const float* x, float scale, float* out, int64_t n);
  // out[c] = sum over s, in order, of weights[s] * rows[s * stride + c].
  void (*weighted_sum)(const float* rows, int64_t stride, const float* weights, int64_t count,
                       float* out, int64_t n);
};

}  // namespace chasqui::backend::cpu
