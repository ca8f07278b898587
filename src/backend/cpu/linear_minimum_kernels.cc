// Integer products of the formats with a scale and a minimum for each group.
#include "backend/cpu/internal/quant_product.h"

namespace chasqui::backend::cpu::CHASQUI_ISA {

void add_minimum_kernels(LinearKernels& kernels);

void add_minimum_kernels(LinearKernels& kernels) {
  add_format<Q4_1>(kernels);
  add_format<Q5_1>(kernels);
}

}  // namespace chasqui::backend::cpu::CHASQUI_ISA
