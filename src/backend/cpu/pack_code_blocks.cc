// Packing of the formats whose codes are entries of a codebook.
#include <algorithm>

#include "backend/cpu/codebooks.h"
#include "backend/cpu/internal/pack_blocks.h"

namespace chasqui::backend::cpu {
namespace {

static_assert(std::ranges::equal(kIq4Book.values, quant::kIq4Values));

// 32 codes: low nibbles first, then the high ones.
void put_nibbles(const uint8_t* qs, int64_t group, const LaneWriter& to) {
  uint8_t q[kGroupValues];
  for (int i = 0; i < 16; ++i) {
    q[i] = qs[i] & 15;
    q[i + 16] = qs[i] >> 4;
  }
  to.values(group, q);
}

}  // namespace

void put(const quant::BlockIQ4_NL& block, int64_t index, const LaneWriter& to) {
  to.group_half(index, 0, block.d);
  put_nibbles(block.qs, index, to);
}

void put(const quant::BlockIQ4_XS& block, int64_t index, const LaneWriter& to) {
  to.super_half(index, 0, block.d);
  for (int g = 0; g < 8; ++g) {
    const int low = block.scales_l[g / 2] >> (g % 2 * 4) & 15;
    const int high = block.scales_h >> (g * 2) & 3;
    to.group_byte(index * 8 + g, 0, static_cast<uint8_t>((low | high << 4) - 32));
    put_nibbles(block.qs + 16 * g, index * 8 + g, to);
  }
}

void put(const quant::BlockMXFP4& block, int64_t index, const LaneWriter& to) {
  to.group_byte(index, 0, block.e);
  put_nibbles(block.qs, index, to);
}

void put(const quant::BlockNVFP4& block, int64_t index, const LaneWriter& to) {
  for (int g = 0; g < 2; ++g) {
    uint8_t q[kGroupValues];
    for (int half = 0; half < 2; ++half) {
      const uint8_t scale = block.d[2 * g + half] & 0x7f;
      to.group_byte(index * 2 + g, half, scale == 0x7f ? 0 : scale);
      const uint8_t* qs = block.qs + 8 * (2 * g + half);
      for (int i = 0; i < 8; ++i) {
        q[16 * half + i] = qs[i] & 15;
        q[16 * half + 8 + i] = qs[i] >> 4;
      }
    }
    to.values(index * 2 + g, q);
  }
}

}  // namespace chasqui::backend::cpu
