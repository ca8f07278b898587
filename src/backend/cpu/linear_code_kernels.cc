// Integer products of the formats of 4 bits a weight that stand for other numbers.
#include "backend/cpu/internal/quant_product.h"

namespace chasqui::backend::cpu::CHASQUI_ISA {

void add_code_kernels(LinearKernels& kernels);

void add_code_kernels(LinearKernels& kernels) {
  add_format<IQ4_NL>(kernels);
  add_format<IQ4_XS>(kernels);
}

}  // namespace chasqui::backend::cpu::CHASQUI_ISA
