#include "backend/cpu/pack.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <type_traits>

#include "backend/cpu/internal/lane_writer.h"
#include "backend/cpu/internal/pack_blocks.h"
#include "backend/cpu/linear_kernels.h"
#include "base/check.h"
#include "base/checked_math.h"

namespace chasqui::backend::cpu {
namespace {

constexpr int kSectionAlign = 64;

template <typename Block>
void put_row(const std::byte* row, int64_t blocks, const LaneWriter& to) {
  for (int64_t i = 0; i < blocks; ++i) {
    Block block;  // rows lie at any address
    std::memcpy(&block, row + i * static_cast<int64_t>(sizeof(Block)), sizeof(Block));
    put(block, i, to);
  }
}

// One row a type.
struct PackRow {
  DType type;
  int kind;
  void (*put_row)(const std::byte* row, int64_t blocks, const LaneWriter& to);  // null: floats
};
constexpr PackRow kPackRows[] = {
    {DType::kF32, kFloat32, nullptr},
    {DType::kF16, kFloat16, nullptr},
    {DType::kBF16, kFloatBrain, nullptr},
    {DType::kQ4_0, kPackQ4_0, put_row<quant::BlockQ4_0>},
    {DType::kQ4_1, kPackQ4_1, put_row<quant::BlockQ4_1>},
    {DType::kQ5_0, kPackQ5_0, put_row<quant::BlockQ5_0>},
    {DType::kQ5_1, kPackQ5_1, put_row<quant::BlockQ5_1>},
    {DType::kQ8_0, kPackQ8_0, put_row<quant::BlockQ8_0>},
    {DType::kQ4_K, kPackQ4_K, put_row<quant::BlockQ4_K>},
    {DType::kQ5_K, kPackQ5_K, put_row<quant::BlockQ5_K>},
    {DType::kQ6_K, kPackQ6_K, put_row<quant::BlockQ6_K>},
    {DType::kIQ4_NL, kPackIQ4_NL, put_row<quant::BlockIQ4_NL>},
    {DType::kIQ4_XS, kPackIQ4_XS, put_row<quant::BlockIQ4_XS>},
    {DType::kMXFP4, kPackMXFP4, put_row<quant::BlockMXFP4>},
    {DType::kNVFP4, kPackNVFP4, put_row<quant::BlockNVFP4>},
};

const PackRow* find_row(DType type) {
  const auto* row = std::ranges::find(kPackRows, type, &PackRow::type);
  return row == std::end(kPackRows) ? nullptr : row;
}

// Values of `size` bytes, k-major: 16 rows of column 0, 16 rows of column 1, ...
void pack_floats(int64_t size, const std::byte* row, int64_t cols, int lane, std::byte* to) {
  for (int64_t k = 0; k < cols; ++k) {
    std::memcpy(to + (k * kPanelRows + lane) * size, row + k * size, static_cast<size_t>(size));
  }
}

}  // namespace

bool can_pack(DType type) {
  return find_row(type) != nullptr;
}

PanelShape panel_shape(DType type, int64_t cols) {
  const PackRow* row = find_row(type);
  CHASQUI_CHECK(row != nullptr, "type {} does not pack", static_cast<uint32_t>(type));
  PanelShape shape;
  shape.kind = row->kind;
  shape.cols = cols;
  shape.is_float = row->put_row == nullptr;
  if (shape.is_float) {
    shape.panel_bytes = round_up(cols * kPanelRows * dtype_info(type).block_bytes, kSectionAlign);
    return shape;
  }
  const PackShape& pack = kPackShapes[row->kind];
  shape.groups = cols / kGroupValues;
  shape.scale_at = round_up(shape.groups / pack.super_groups * pack.super_bytes, kSectionAlign);
  shape.high_at = shape.scale_at + round_up(shape.groups * pack.scale_bytes, kSectionAlign);
  shape.quant_at = shape.high_at + shape.groups * pack.high_bytes;
  shape.panel_bytes = shape.quant_at + shape.groups * pack.quant_bytes;
  return shape;
}

int64_t packed_bytes(const PanelShape& shape, int64_t rows) {
  return ceil_div(rows, kPanelRows) * shape.panel_bytes;
}

void pack_panel(DType type, const PanelShape& shape, const std::byte* matrix, int64_t rows,
                int64_t first_row, std::byte* to) {
  const PackRow& row = *find_row(type);
  const DTypeInfo& info = dtype_info(type);
  const int64_t blocks = shape.cols / info.block_values;
  const int64_t row_size = blocks * info.block_bytes;
  std::memset(to, 0, static_cast<size_t>(shape.panel_bytes));
  const int lanes = static_cast<int>(std::min<int64_t>(kPanelRows, rows - first_row));
  for (int lane = 0; lane < lanes; ++lane) {
    const std::byte* from = matrix + (first_row + lane) * row_size;
    if (shape.is_float) {
      pack_floats(info.block_bytes, from, shape.cols, lane, to);
      continue;
    }
    const LaneWriter writer = {kPackShapes[row.kind], to,  to + shape.scale_at, to + shape.high_at,
                               to + shape.quant_at,   lane};
    row.put_row(from, blocks, writer);
  }
}

}  // namespace chasqui::backend::cpu
