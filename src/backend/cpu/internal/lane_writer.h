// Writes one row of a matrix into its lane of a packed panel; linear_kernels.h has the layout.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "backend/cpu/linear_kernels.h"

namespace chasqui::backend::cpu {

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
    const int low_bits = shape.quant_bytes / 64;
    if (low_bits == 8) {
      for (int j = 0; j < 8; ++j) std::memcpy(low + 64 * j, q + 4 * j, 4);
    } else if (low_bits == 4) {
      for (int i = 0; i < 16; ++i) {
        const int to = i / 4 * 64 + i % 4;
        low[to] = static_cast<uint8_t>((q[i] & 15) | (q[i + 16] & 15) << 4);
      }
    } else if (low_bits == 2) {
      two_bits(q, 0, low);
    }
    if (shape.high_bytes == 64) {
      one_bit(q, low_bits, top);
    } else if (shape.high_bytes == 128) {
      two_bits(q, low_bits, top);
    }
  }

 private:
  // Bit `from` of each value; bit j of a byte belongs to vector j.
  static void one_bit(const uint8_t (&q)[kGroupValues], int from, uint8_t* to) {
    for (int i = 0; i < kGroupValues; ++i) {
      to[i % 4] = static_cast<uint8_t>(to[i % 4] | (q[i] >> from & 1) << (i / 4));
    }
  }
  // Bits `from` and `from` + 1 of each value, for four vectors a byte.
  static void two_bits(const uint8_t (&q)[kGroupValues], int from, uint8_t* to) {
    for (int i = 0; i < kGroupValues; ++i) {
      uint8_t& byte = to[i / 16 * 64 + i % 4];
      byte = static_cast<uint8_t>(byte | (q[i] >> from & 3) << (i % 16 / 4 * 2));
    }
  }
};

}  // namespace chasqui::backend::cpu
