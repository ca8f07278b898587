// Packing of the formats whose values come from tables of runs (IQ3, IQ2, IQ1) or of digits
// (TQ1_0). quant/'s decoders know those tables: a block is decoded with d = 1, and what remains is
// divided by the scales. Both are exact: scales are small odd numbers over a power of two, and the
// integers behind the values have less than 8 bits.
#include <cstddef>
#include <span>

#include "backend/cpu/codebooks.h"
#include "backend/cpu/internal/pack_blocks.h"
#include "quant/quant_type.h"
#include "tensor/dtype.h"

namespace chasqui::backend::cpu {
namespace {

constexpr int kBlockValues = 256;
constexpr uint16_t kHalfOne = 0x3c00;

// A value is an integer * number * unit * d; one number for 16 values each.
struct GridScales {
  float unit;
  uint8_t numbers[kBlockValues / 16];
};

// The code of each integer of a codebook; the least one where there are several.
struct CodeOf {
  uint8_t code[256] = {};
  explicit consteval CodeOf(const Codebook& book) {
    for (int c = 15; c >= 0; --c) {
      code[static_cast<uint8_t>(book.values[c])] = static_cast<uint8_t>(c);
    }
  }
};

template <typename Block>
void decode(DType type, const Block& block, float (&values)[kBlockValues]) {
  quant::decode_row(type, reinterpret_cast<const std::byte*>(&block), values);
}

// The integers of a block whose d is 1.
template <typename Block>
void integers_of(DType type, const Block& unit_block, const GridScales& scales,
                 int8_t (&integers)[kBlockValues]) {
  float values[kBlockValues];
  decode(type, unit_block, values);
  for (int i = 0; i < kBlockValues; ++i) {
    const float scale = scales.unit * static_cast<float>(scales.numbers[i / 16]);
    integers[i] = static_cast<int8_t>(values[i] / scale);
  }
}

template <Codebook kBook, typename Block>
void put_grid(DType type, const Block& unit_block, const GridScales& scales, int64_t index,
              const LaneWriter& to) {
  static constexpr CodeOf kCodes(kBook);
  int8_t integers[kBlockValues];
  integers_of(type, unit_block, scales, integers);
  for (int g = 0; g < 8; ++g) {
    uint8_t q[kGroupValues];
    for (int i = 0; i < kGroupValues; ++i) {
      q[i] = kCodes.code[static_cast<uint8_t>(integers[kGroupValues * g + i])];
    }
    to.values(index * 8 + g, q);
    for (int half = 0; half < to.shape.scale_bytes / 16; ++half) {
      to.group_byte(index * 8 + g, half, scales.numbers[2 * g + half]);
    }
  }
}

constexpr uint8_t odd(int scale) {
  return static_cast<uint8_t>(2 * scale + 1);
}

template <typename Block>
Block with_unit_scale(Block block) {
  block.d = kHalfOne;
  return block;
}

}  // namespace

void put(const quant::BlockIQ3_XXS& block, int64_t index, const LaneWriter& to) {
  GridScales scales = {0.25f, {}};
  for (int half = 0; half < 16; ++half) {
    scales.numbers[half] = odd(block.tails[half / 2][3] >> 4);
  }
  to.super_half(index, 0, block.d);
  put_grid<kIq3XxsBook>(DType::kIQ3_XXS, with_unit_scale(block), scales, index, to);
}

void put(const quant::BlockIQ3_S& block, int64_t index, const LaneWriter& to) {
  GridScales scales = {1.0f, {}};
  for (int half = 0; half < 16; ++half) {
    scales.numbers[half] = odd(block.scales[half / 4] >> (half / 2 % 2 * 4) & 15);
  }
  to.super_half(index, 0, block.d);
  put_grid<kIq3SBook>(DType::kIQ3_S, with_unit_scale(block), scales, index, to);
}

void put(const quant::BlockIQ2_XXS& block, int64_t index, const LaneWriter& to) {
  GridScales scales = {0.125f, {}};
  for (int half = 0; half < 16; ++half) {
    scales.numbers[half] = odd(block.groups[half / 2][7] >> 4);
  }
  to.super_half(index, 0, block.d);
  put_grid<kIq2Book>(DType::kIQ2_XXS, with_unit_scale(block), scales, index, to);
}

namespace {

template <typename Block>
void put_iq2_halves(DType type, const Block& block, int64_t index, const LaneWriter& to) {
  GridScales scales = {0.125f, {}};
  for (int half = 0; half < 16; ++half) {
    scales.numbers[half] = odd(block.scales[half / 2] >> (half % 2 * 4) & 15);
  }
  to.super_half(index, 0, block.d);
  put_grid<kIq2Book>(type, with_unit_scale(block), scales, index, to);
}

}  // namespace

void put(const quant::BlockIQ2_XS& block, int64_t index, const LaneWriter& to) {
  put_iq2_halves(DType::kIQ2_XS, block, index, to);
}

void put(const quant::BlockIQ2_S& block, int64_t index, const LaneWriter& to) {
  put_iq2_halves(DType::kIQ2_S, block, index, to);
}

// The shift of a group becomes part of its minimum.
void put(const quant::BlockIQ1_S& block, int64_t index, const LaneWriter& to) {
  GridScales scales = {0.125f, {}};
  for (int half = 0; half < 16; ++half) scales.numbers[half] = odd(block.qh[half / 2] >> 12 & 7);
  int8_t integers[kBlockValues];
  integers_of(DType::kIQ1_S, with_unit_scale(block), scales, integers);
  to.super_half(index, 0, block.d);
  for (int g = 0; g < 8; ++g) {
    const int minimum = block.qh[g] >> 15 != 0 ? 9 : 7;  // of the integers 8 t + 1, 8 t - 1
    uint8_t q[kGroupValues];
    for (int i = 0; i < kGroupValues; ++i) {
      q[i] = static_cast<uint8_t>((integers[kGroupValues * g + i] + minimum) / 8);
    }
    to.values(index * 8 + g, q);
    to.group_byte(index * 8 + g, 0, scales.numbers[2 * g]);
    to.group_byte(index * 8 + g, 1, static_cast<uint8_t>(minimum * scales.numbers[2 * g]));
  }
}

void put(const quant::BlockIQ1_M& block, int64_t index, const LaneWriter& to) {
  quant::BlockIQ1_M unit_block = block;
  GridScales scales = {0.125f, {}};
  int d = 0;
  for (int w = 0; w < 4; ++w) {  // d is spread over the top of four words
    d |= block.scales[w] >> 12 << (4 * w);
    const int nibble = kHalfOne >> (4 * w) & 15;
    unit_block.scales[w] = static_cast<uint16_t>((block.scales[w] & 0x0fff) | nibble << 12);
  }
  for (int half = 0; half < 16; ++half) {
    scales.numbers[half] = odd(block.scales[half / 4] >> (half % 4 * 3) & 7);
  }
  to.super_half(index, 0, static_cast<uint16_t>(d));
  put_grid<kIq1MBook>(DType::kIQ1_M, unit_block, scales, index, to);
}

void put(const quant::BlockTQ1_0& block, int64_t index, const LaneWriter& to) {
  float values[kBlockValues];
  decode(DType::kTQ1_0, with_unit_scale(block), values);
  to.super_half(index, 0, block.d);
  for (int g = 0; g < 8; ++g) {
    uint8_t q[kGroupValues];
    for (int i = 0; i < kGroupValues; ++i) {
      q[i] = static_cast<uint8_t>(values[kGroupValues * g + i] + 1.0f);
    }
    to.values(index * 8 + g, q);
  }
}

}  // namespace chasqui::backend::cpu
