// Integer products of the formats of two bits a weight and of one.
#include "backend/cpu/internal/quant_product.h"

namespace chasqui::backend::cpu::CHASQUI_ISA {

void add_two_bit_kernels(LinearKernels& kernels);

void add_two_bit_kernels(LinearKernels& kernels) {
  add_format<Q2_K>(kernels);
  add_format<Ternary>(kernels);
  add_format<Q2_0>(kernels);
  add_format<Q1_0>(kernels);
}

}  // namespace chasqui::backend::cpu::CHASQUI_ISA
