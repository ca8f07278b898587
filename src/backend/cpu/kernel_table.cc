// Compiled once per instruction-set level: gathers the kernels of that level.
#include "backend/cpu/kernel_table.h"

#include "backend/cpu/simd.h"

#define CHASQUI_STRING2(x) #x
#define CHASQUI_STRING(x) CHASQUI_STRING2(x)

namespace chasqui::backend::cpu::CHASQUI_ISA {

KernelTable kernel_table();  // called by isa_levels.cc

KernelTable kernel_table() {
  KernelTable table = {};
  table.isa = CHASQUI_STRING(CHASQUI_ISA);
  return table;
}

}  // namespace chasqui::backend::cpu::CHASQUI_ISA
