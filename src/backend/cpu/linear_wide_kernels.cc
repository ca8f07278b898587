// Integer products of the formats of more than five bits.
#include "backend/cpu/internal/quant_product.h"

namespace chasqui::backend::cpu::CHASQUI_ISA {

void add_wide_kernels(LinearKernels& kernels);

void add_wide_kernels(LinearKernels& kernels) {
  add_format<Q8_0>(kernels);
  add_format<Q6_K>(kernels);
}

}  // namespace chasqui::backend::cpu::CHASQUI_ISA
