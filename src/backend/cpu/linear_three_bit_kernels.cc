// Integer products of the formats that pack to three bits, with two scales a group.
#include "backend/cpu/internal/quant_product.h"

namespace chasqui::backend::cpu::CHASQUI_ISA {

void add_three_bit_kernels(LinearKernels& kernels);

void add_three_bit_kernels(LinearKernels& kernels) {
  add_format<Q3_K>(kernels);
  add_format<IQ2_S>(kernels);
  add_format<IQ1_M>(kernels);
}

}  // namespace chasqui::backend::cpu::CHASQUI_ISA
