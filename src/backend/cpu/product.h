// The engine behind linear and expert_linear: rows of activations times weight matrices, as one
// parallel loop.
//
// Determinism: a row's result depends on the row and the matrix only (see linear_kernels.h); how
// rows are grouped and how panels are dealt out changes speed alone.
#pragma once

#include <cstdint>
#include <span>

#include "backend/cpu/cpu_context.h"
#include "backend/cpu/matrix_weight.h"
#include "backend/cpu/product_lists.h"

namespace chasqui::backend::cpu {

// Most rows in a RowGroup. Bounds the partial sums of a thread (33 KiB) and keeps the quantised
// activations of a group near the second-level cache; a multiple of every block width, and enough
// for half a usual prompt chunk of 512.
constexpr int64_t kMaxGroupRows = 264;

struct Product {
  std::span<const float* const> x;  // rows of `cols` values
  int64_t cols = 0;
  std::span<const RowGroup> groups;
  std::span<const ProductTarget> targets;
};

void multiply(CpuContext& context, const Product& product);

}  // namespace chasqui::backend::cpu
