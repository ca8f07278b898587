// The kernels of one instruction-set level, as a table of function pointers: what baseline code
// (cpu_backend.cc, linear.cc, attention.cc, ...) calls. Every level fills the same table from the
// same sources; see kernel_table.cc.
//
// This header is included by code with ISA flags, so it holds declarations only: no inline
// functions, no C++ library.
//
// To add kernels: declare `struct FooKernels { void (*bar)(const BarTask&); };` in foo_kernels.h
// (plain data, namespace chasqui::backend::cpu), define `FooKernels foo_kernels()` in
// foo_kernels.cc in namespace CHASQUI_ISA, and add one field here and one line in
// kernel_table.cc.
#pragma once

#include <stdint.h>

namespace chasqui::backend::cpu {

struct KernelTable {
  const char* isa;  // name of the level
};

}  // namespace chasqui::backend::cpu
