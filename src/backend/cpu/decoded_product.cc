#include "backend/cpu/decoded_product.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "quant/quant_type.h"
#include "tensor/dtype.h"

namespace chasqui::backend::cpu {
namespace {

// Decodes columns [begin, begin + values) of a panel's rows and writes them k-major; rows beyond
// the matrix are zero.
void decode_tile(const DecodedTask& task, int64_t first_row, int64_t begin, int64_t values,
                 float* rows, float* tile) {
  const MatrixWeight& weight = *task.weight;
  const DTypeInfo& info = dtype_info(weight.type());
  const int64_t row_size = weight.cols() / info.block_values * info.block_bytes;
  const int64_t lanes = std::min<int64_t>(kPanelRows, weight.rows() - first_row);
  std::fill(rows, rows + kPanelRows * kDecodedRun, 0.0f);
  for (int64_t lane = 0; lane < lanes; ++lane) {
    const std::byte* from = weight.file_rows(task.expert) + (first_row + lane) * row_size +
                            begin / info.block_values * info.block_bytes;
    quant::decode_row(weight.type(), from,
                      {rows + lane * kDecodedRun, static_cast<size_t>(values)});
  }
  for (int64_t k = 0; k < values; ++k) {
    for (int64_t lane = 0; lane < kPanelRows; ++lane) {
      tile[k * kPanelRows + lane] = rows[lane * kDecodedRun + k];
    }
  }
}

void multiply_panel(const LinearKernels& kernels, const DecodedTask& task, int64_t panel) {
  auto* rows = reinterpret_cast<float*>(task.scratch);
  float* tile = rows + kDecodedRun * kPanelRows;
  float* sums = tile + kDecodedRun * kPanelRows;
  const int64_t cols = task.weight->cols();
  const int64_t first_row = panel * kPanelRows;
  std::fill(sums, sums + task.tokens * kPanelRows, 0.0f);
  for (int64_t begin = 0; begin < cols; begin += kDecodedRun) {
    const int64_t values = std::min(kDecodedRun, cols - begin);
    decode_tile(task, first_row, begin, values, rows, tile);
    for (int64_t k = 0; k < values; k += kFloatTileValues) {
      kernels.float_tile({tile + k * kPanelRows, std::min<int64_t>(kFloatTileValues, values - k),
                          task.x, begin + k, task.tokens, sums});
    }
  }
  const int64_t lanes = std::min<int64_t>(kPanelRows, task.weight->rows() - first_row);
  const float* bias =
      task.bias == nullptr ? nullptr : task.bias + (panel - task.panel_begin) * kPanelRows;
  for (int64_t t = 0; t < task.tokens; ++t) {
    for (int64_t lane = 0; lane < lanes; ++lane) {
      const float sum = sums[t * kPanelRows + lane];
      task.y[t][first_row + lane] = bias == nullptr ? sum : sum + bias[lane];
    }
  }
}

}  // namespace

void multiply_decoded(const LinearKernels& kernels, const DecodedTask& task) {
  for (int64_t p = task.panel_begin; p < task.panel_end; ++p) multiply_panel(kernels, task, p);
}

}  // namespace chasqui::backend::cpu
