// Compiled once per instruction-set level: gathers the kernels of linear and expert_linear.
#include "backend/cpu/linear_kernels.h"

#include "backend/cpu/internal/quant_product.h"
#include "backend/cpu/simd.h"

namespace chasqui::backend::cpu::CHASQUI_ISA {

LinearKernels linear_kernels();  // called by kernel_table.cc

void add_code_kernels(LinearKernels& kernels);
void add_float4_kernels(LinearKernels& kernels);
void add_float_kernels(LinearKernels& kernels);
void add_minimum_kernels(LinearKernels& kernels);
void add_nibble_kernels(LinearKernels& kernels);
void add_super_kernels(LinearKernels& kernels);
void add_wide_kernels(LinearKernels& kernels);
void add_x_kernels(LinearKernels& kernels);

LinearKernels linear_kernels() {
  LinearKernels kernels = {};
  add_float_kernels(kernels);
  kernels.tile_tokens = kTileTokens;
  kernels.tile_panels = kTilePanels;
  kernels.tile_bytes = sizeof(Tile);
  add_code_kernels(kernels);
  add_float4_kernels(kernels);
  add_minimum_kernels(kernels);
  add_nibble_kernels(kernels);
  add_super_kernels(kernels);
  add_wide_kernels(kernels);
  add_x_kernels(kernels);
  return kernels;
}

}  // namespace chasqui::backend::cpu::CHASQUI_ISA
