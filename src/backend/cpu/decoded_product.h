// Products with weights that have no packed form (or must not be packed): 16 rows at a time are
// decoded by quant/ to an f32 tile and multiplied with f32 activations. Works for every type that
// quant/ can decode, exact to the format.
#pragma once

#include <cstddef>
#include <cstdint>

#include "backend/cpu/linear_kernels.h"
#include "backend/cpu/matrix_weight.h"

namespace chasqui::backend::cpu {

// Columns decoded at a time: a whole number of blocks of every type.
constexpr int64_t kDecodedRun = 256;
// Scratch: the decoded rows and their transposed tile.
constexpr int64_t kDecodedTileBytes = 2 * kDecodedRun * kPanelRows * int64_t{sizeof(float)};

struct DecodedTask {
  const MatrixWeight* weight;
  int64_t expert;
  int64_t panel_begin, panel_end;
  const float* const* x;  // [tokens]
  int64_t tokens;
  float* const* y;     // [tokens], whole rows
  const float* bias;   // of the first panel's rows, or null
  std::byte* scratch;  // kDecodedTileBytes + tokens * 64
};

void multiply_decoded(const LinearKernels& kernels, const DecodedTask& task);

}  // namespace chasqui::backend::cpu
