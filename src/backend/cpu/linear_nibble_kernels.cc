// Integer products of the formats with one scale a group and a fixed offset of 8 or 16.
#include "backend/cpu/internal/quant_product.h"

namespace chasqui::backend::cpu::CHASQUI_ISA {

void add_nibble_kernels(LinearKernels& kernels);

void add_nibble_kernels(LinearKernels& kernels) {
  add_format<Q4_0>(kernels);
  add_format<Q5_0>(kernels);
}

}  // namespace chasqui::backend::cpu::CHASQUI_ISA
