// Integer products of the formats of 4-bit floats.
#include "backend/cpu/internal/quant_product.h"

namespace chasqui::backend::cpu::CHASQUI_ISA {

void add_float4_kernels(LinearKernels& kernels);

void add_float4_kernels(LinearKernels& kernels) {
  add_format<MXFP4>(kernels);
  add_format<NVFP4>(kernels);
}

}  // namespace chasqui::backend::cpu::CHASQUI_ISA
