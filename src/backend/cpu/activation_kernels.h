// Kernels of activation.
#pragma once

#include <stdint.h>

namespace chasqui::backend::cpu {

constexpr int kActivationKinds = 9;  // of the enum Activation in ops.h, in its order

struct ActivationKernels {
  // out = act(gate) * up; up may be null (no product), out may be gate or up.
  void (*run[kActivationKinds])(const float* gate, const float* up, float* out, int64_t n);
};

}  // namespace chasqui::backend::cpu
