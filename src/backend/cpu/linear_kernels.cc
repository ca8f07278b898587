// Compiled once per instruction-set level: gathers the kernels of linear and expert_linear.
#include "backend/cpu/linear_kernels.h"

#include "backend/cpu/simd.h"

namespace chasqui::backend::cpu::CHASQUI_ISA {

LinearKernels linear_kernels();  // called by kernel_table.cc

void add_float_kernels(LinearKernels& kernels);
void add_quant_kernels(LinearKernels& kernels);
void add_x_kernels(LinearKernels& kernels);

LinearKernels linear_kernels() {
  LinearKernels kernels = {};
  add_float_kernels(kernels);
  add_quant_kernels(kernels);
  add_x_kernels(kernels);
  return kernels;
}

}  // namespace chasqui::backend::cpu::CHASQUI_ISA
