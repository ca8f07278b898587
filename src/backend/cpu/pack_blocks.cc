// Packing of the formats whose values are bits of the block, up to an offset.
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

// Group g's 2-bit values of blocks that lay them out as Q2_K does.
void two_bit_values(const uint8_t (&qs)[64], int g, uint8_t (&q)[kGroupValues]) {
  for (int i = 0; i < kGroupValues; ++i) q[i] = qs[g / 4 * 32 + i] >> (g % 4 * 2) & 3;
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

void put(const quant::BlockQ2_K& block, int64_t index, const LaneWriter& to) {
  to.super_half(index, 0, block.d);
  to.super_half(index, 1, block.dmin);
  for (int g = 0; g < 8; ++g) {
    uint8_t q[kGroupValues];
    two_bit_values(block.qs, g, q);
    to.values(index * 8 + g, q);
    to.group_byte(index * 8 + g, 0, block.scales[2 * g]);
    to.group_byte(index * 8 + g, 1, block.scales[2 * g + 1]);
  }
}

void put(const quant::BlockQ3_K& block, int64_t index, const LaneWriter& to) {
  to.super_half(index, 0, block.d);
  for (int g = 0; g < 8; ++g) {
    uint8_t q[kGroupValues];
    two_bit_values(block.qs, g, q);
    for (int i = 0; i < kGroupValues; ++i) {
      q[i] = static_cast<uint8_t>(q[i] | (block.hmask[i] >> g & 1) << 2);
    }
    to.values(index * 8 + g, q);
    for (int half = 0; half < 2; ++half) {
      const int s = 2 * g + half;
      const int low = block.scales[s % 8] >> (s / 8 * 4) & 15;
      const int high = block.scales[8 + s % 4] >> (s / 4 * 2) & 3;
      to.group_byte(index * 8 + g, half, static_cast<uint8_t>((low | high << 4) - 32));
    }
  }
}

void put(const quant::BlockTQ2_0& block, int64_t index, const LaneWriter& to) {
  to.super_half(index, 0, block.d);
  for (int g = 0; g < 8; ++g) {
    uint8_t q[kGroupValues];
    two_bit_values(block.qs, g, q);
    to.values(index * 8 + g, q);
  }
}

void put(const quant::BlockQ2_0& block, int64_t index, const LaneWriter& to) {
  to.super_half(index, 0, block.d);
  for (int g = 0; g < 2; ++g) {
    uint8_t q[kGroupValues];
    for (int i = 0; i < kGroupValues; ++i) q[i] = block.qs[8 * g + i / 4] >> (i % 4 * 2) & 3;
    to.values(index * 2 + g, q);
  }
}

void put(const quant::BlockQ1_0& block, int64_t index, const LaneWriter& to) {
  to.super_half(index, 0, block.d);
  for (int g = 0; g < 4; ++g) {
    uint8_t q[kGroupValues];
    for (int i = 0; i < kGroupValues; ++i) q[i] = block.qs[4 * g + i / 8] >> (i % 8) & 1;
    to.values(index * 4 + g, q);
  }
}

}  // namespace chasqui::backend::cpu
