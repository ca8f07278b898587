#include "backend/cpu/pack.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <type_traits>

#include "backend/cpu/linear_kernels.h"
#include "base/check.h"
#include "base/checked_math.h"
#include "quant/q4_0.h"
#include "quant/q4_1.h"
#include "quant/q4_k.h"
#include "quant/q5_0.h"
#include "quant/q5_1.h"
#include "quant/q5_k.h"
#include "quant/q6_k.h"
#include "quant/q8_0.h"

namespace chasqui::backend::cpu {
namespace {

constexpr int kSectionAlign = 64;
constexpr uint16_t kHalfSign = 0x8000;

// Where a lane's part of a panel goes.
struct LaneWriter {
  const PackShape& shape;
  std::byte* super;  // sections, at the start of the panel
  std::byte* scale;
  std::byte* high;
  std::byte* quant;
  int lane;

  void put_half(std::byte* at, uint16_t half) const {
    std::memcpy(at + 2 * lane, &half, sizeof(half));
  }
  // Half number `index` of a group's scales.
  void group_half(int64_t group, int index, uint16_t half) const {
    put_half(scale + group * shape.scale_bytes + 32 * index, half);
  }
  void group_byte(int64_t group, int index, uint8_t byte) const {
    scale[group * shape.scale_bytes + 16 * index + lane] = std::byte{byte};
  }
  void super_half(int64_t super_block, int index, uint16_t half) const {
    put_half(super + super_block * shape.super_bytes + 32 * index, half);
  }

  // The 32 values of a group, unsigned; what is above the low bits goes to the high section.
  void values(int64_t group, const uint8_t (&q)[kGroupValues]) const {
    auto* low = reinterpret_cast<uint8_t*>(quant + group * shape.quant_bytes) + 4 * lane;
    auto* top = reinterpret_cast<uint8_t*>(high + group * shape.high_bytes) + 4 * lane;
    if (shape.quant_bytes == 512) {
      for (int j = 0; j < 8; ++j) std::memcpy(low + 64 * j, q + 4 * j, 4);
      return;
    }
    for (int i = 0; i < 16; ++i) {
      const int to = i / 4 * 64 + i % 4;
      low[to] = static_cast<uint8_t>((q[i] & 15) | (q[i + 16] & 15) << 4);
    }
    if (shape.high_bytes == 64) {  // bit j of a byte: vector j
      for (int i = 0; i < kGroupValues; ++i) {
        top[i % 4] = static_cast<uint8_t>(top[i % 4] | (q[i] >> 4 & 1) << (i / 4));
      }
    } else if (shape.high_bytes == 128) {  // two bits for each of four vectors
      for (int i = 0; i < kGroupValues; ++i) {
        uint8_t& byte = top[i / 16 * 64 + i % 4];
        byte = static_cast<uint8_t>(byte | (q[i] >> 4 & 3) << (i % 16 / 4 * 2));
      }
    }
  }
};

// One function a block type: writes block number `index` of a row. The panel was zeroed.

void put(const quant::BlockQ4_0& block, int64_t index, const LaneWriter& to) {
  uint8_t q[kGroupValues];
  for (int i = 0; i < 16; ++i) {
    q[i] = block.qs[i] & 15;
    q[i + 16] = block.qs[i] >> 4;
  }
  to.group_half(index, 0, block.d);
  to.values(index, q);
}

// The kernels subtract a minimum, so the sign of m turns (exactly).
void put(const quant::BlockQ4_1& block, int64_t index, const LaneWriter& to) {
  uint8_t q[kGroupValues];
  for (int i = 0; i < 16; ++i) {
    q[i] = block.qs[i] & 15;
    q[i + 16] = block.qs[i] >> 4;
  }
  to.group_half(index, 0, block.d);
  to.group_half(index, 1, block.m ^ kHalfSign);
  to.values(index, q);
}

uint32_t fifth_bits(const uint8_t (&qh)[4]) {
  return uint32_t{qh[0]} | uint32_t{qh[1]} << 8 | uint32_t{qh[2]} << 16 | uint32_t{qh[3]} << 24;
}

template <typename Block>
void five_bit_values(const Block& block, uint8_t (&q)[kGroupValues]) {
  const uint32_t high = fifth_bits(block.qh);
  for (int i = 0; i < 16; ++i) {
    q[i] = static_cast<uint8_t>((block.qs[i] & 15) | (high >> i & 1) << 4);
    q[i + 16] = static_cast<uint8_t>(block.qs[i] >> 4 | (high >> (i + 16) & 1) << 4);
  }
}

void put(const quant::BlockQ5_0& block, int64_t index, const LaneWriter& to) {
  uint8_t q[kGroupValues];
  five_bit_values(block, q);
  to.group_half(index, 0, block.d);
  to.values(index, q);
}

void put(const quant::BlockQ5_1& block, int64_t index, const LaneWriter& to) {
  uint8_t q[kGroupValues];
  five_bit_values(block, q);
  to.group_half(index, 0, block.d);
  to.group_half(index, 1, block.m ^ kHalfSign);
  to.values(index, q);
}

void put(const quant::BlockQ8_0& block, int64_t index, const LaneWriter& to) {
  uint8_t q[kGroupValues];
  for (int i = 0; i < kGroupValues; ++i) q[i] = static_cast<uint8_t>(block.qs[i] + 128);
  to.group_half(index, 0, block.d);
  to.values(index, q);
}

template <typename Block>
void put_scales_and_minima(const Block& block, int64_t index, const LaneWriter& to) {
  const quant::ScaleMins numbers = quant::unpack(block.scales);
  to.super_half(index, 0, block.d);
  to.super_half(index, 1, block.dmin);
  for (int g = 0; g < 8; ++g) {
    to.group_byte(index * 8 + g, 0, numbers.scale[g]);
    to.group_byte(index * 8 + g, 1, numbers.min[g]);
  }
}

void put(const quant::BlockQ4_K& block, int64_t index, const LaneWriter& to) {
  put_scales_and_minima(block, index, to);
  for (int g = 0; g < 8; ++g) {
    uint8_t q[kGroupValues];
    for (int i = 0; i < kGroupValues; ++i) {
      q[i] = static_cast<uint8_t>(block.qs[g / 2 * 32 + i] >> (g % 2 * 4) & 15);
    }
    to.values(index * 8 + g, q);
  }
}

void put(const quant::BlockQ5_K& block, int64_t index, const LaneWriter& to) {
  put_scales_and_minima(block, index, to);
  for (int g = 0; g < 8; ++g) {
    uint8_t q[kGroupValues];
    for (int i = 0; i < kGroupValues; ++i) {
      const int low = block.qs[g / 2 * 32 + i] >> (g % 2 * 4) & 15;
      q[i] = static_cast<uint8_t>(low | (block.qh[i] >> g & 1) << 4);
    }
    to.values(index * 8 + g, q);
  }
}

void put(const quant::BlockQ6_K& block, int64_t index, const LaneWriter& to) {
  to.super_half(index, 0, block.d);
  for (int g = 0; g < 8; ++g) {
    const int half = g / 4;
    const int part = g % 4;
    uint8_t q[kGroupValues];
    for (int i = 0; i < kGroupValues; ++i) {
      const int low = block.ql[64 * half + 32 * (part % 2) + i] >> (part / 2 * 4) & 15;
      const int high = block.qh[32 * half + i] >> (2 * part) & 3;
      q[i] = static_cast<uint8_t>(low | high << 4);
    }
    const int64_t group = index * 8 + g;
    to.values(group, q);
    to.group_byte(group, 0, static_cast<uint8_t>(block.scales[2 * g]));
    to.group_byte(group, 1, static_cast<uint8_t>(block.scales[2 * g + 1]));
  }
}

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
