// Integer products of the grid formats with one scale a group.
#include "backend/cpu/internal/quant_product.h"

namespace chasqui::backend::cpu::CHASQUI_ISA {

void add_grid_kernels(LinearKernels& kernels);

void add_grid_kernels(LinearKernels& kernels) {
  add_format<IQ3_XXS>(kernels);
  add_format<IQ3_S>(kernels);
  add_format<IQ2_XXS>(kernels);
  add_format<IQ1_S>(kernels);
}

}  // namespace chasqui::backend::cpu::CHASQUI_ISA
