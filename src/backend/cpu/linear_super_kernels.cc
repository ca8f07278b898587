// Integer products of the formats with super-blocks whose scales and minima are small integers.
#include "backend/cpu/internal/quant_product.h"

namespace chasqui::backend::cpu::CHASQUI_ISA {

void add_super_kernels(LinearKernels& kernels);

void add_super_kernels(LinearKernels& kernels) {
  add_format<Q4_K>(kernels);
  add_format<Q5_K>(kernels);
}

}  // namespace chasqui::backend::cpu::CHASQUI_ISA
