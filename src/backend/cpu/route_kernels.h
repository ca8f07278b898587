// Kernels of route_experts: logits to scores, one row at a time.
#pragma once

#include <stdint.h>

namespace chasqui::backend::cpu {

struct RouteKernels {
  // In place. The sum adds per lane, then across lanes.
  void (*softmax)(float* x, int64_t n);
  void (*sigmoid)(float* x, int64_t n);
};

}  // namespace chasqui::backend::cpu
