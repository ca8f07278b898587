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

#include "backend/cpu/activation_kernels.h"
#include "backend/cpu/attention_kernels.h"
#include "backend/cpu/elementwise_kernels.h"
#include "backend/cpu/kv_pool_kernels.h"
#include "backend/cpu/limits_kernels.h"
#include "backend/cpu/linear_kernels.h"
#include "backend/cpu/norm_kernels.h"
#include "backend/cpu/recurrent_kernels.h"
#include "backend/cpu/rope_kernels.h"
#include "backend/cpu/route_kernels.h"

namespace chasqui::backend::cpu {

struct KernelTable {
  const char* isa;  // name of the level
  ActivationKernels activation;
  AttentionKernels attention;
  ElementwiseKernels elementwise;
  KvPoolKernels kv_pool;
  LimitKernels limits;
  LinearKernels linear;
  NormKernels norm;
  RecurrentKernels recurrent;
  RopeKernels rope;
  RouteKernels route;
};

}  // namespace chasqui::backend::cpu
