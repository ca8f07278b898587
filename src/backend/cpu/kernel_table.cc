// Compiled once per instruction-set level: gathers the kernels of that level.
#include "backend/cpu/kernel_table.h"

#include "backend/cpu/simd.h"

#define CHASQUI_STRING2(x) #x
#define CHASQUI_STRING(x) CHASQUI_STRING2(x)

namespace chasqui::backend::cpu::CHASQUI_ISA {

KernelTable kernel_table();  // called by isa_levels.cc

// Each is defined in the file of its name.
ActivationKernels activation_kernels();
AttentionKernels attention_kernels();
ElementwiseKernels elementwise_kernels();
KvPoolKernels kv_pool_kernels();
LimitKernels limit_kernels();
LinearKernels linear_kernels();
NormKernels norm_kernels();
RecurrentKernels recurrent_kernels();
RopeKernels rope_kernels();
RouteKernels route_kernels();

KernelTable kernel_table() {
  KernelTable table = {};
  table.isa = CHASQUI_STRING(CHASQUI_ISA);
  table.activation = activation_kernels();
  table.attention = attention_kernels();
  table.elementwise = elementwise_kernels();
  table.kv_pool = kv_pool_kernels();
  table.limits = limit_kernels();
  table.linear = linear_kernels();
  table.norm = norm_kernels();
  table.recurrent = recurrent_kernels();
  table.rope = rope_kernels();
  table.route = route_kernels();
  return table;
}

}  // namespace chasqui::backend::cpu::CHASQUI_ISA
