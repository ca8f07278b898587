// Packing of the formats whose codes are the values themselves, up to an offset.
#include "backend/cpu/internal/pack_blocks.h"

namespace chasqui::backend::cpu {
namespace {

constexpr uint16_t kHalfSign = 0x8000;

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

}  // namespace

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

}  // namespace chasqui::backend::cpu
