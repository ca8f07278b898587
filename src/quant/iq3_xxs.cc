#include "quant/iq3_xxs.h"

#include <bit>

#include "quant/internal/block_io.h"
#include "quant/internal/half.h"
#include "quant/internal/iq_grids.h"

namespace chasqui::quant {

void decode_iq3_xxs(const std::byte* from, float* to, int64_t blocks) {
  for (int64_t b = 0; b < blocks; ++b) {
    const auto block = internal::load_block<BlockIQ3_XXS>(from, b);
    const float d = internal::half_to_float(block.d);
    for (int run = 0; run < 64; ++run, to += 4) {
      const auto tail = std::bit_cast<uint32_t>(block.tails[run / 8]);
      const float scale = d * (0.5f + static_cast<float>(tail >> 28)) * 0.5f;
      const unsigned pair = internal::signs_of_seven(tail >> (7 * (run / 2 % 4)) & 127);
      const unsigned signs = pair >> (run % 2 * 4);
      const uint16_t entry = internal::kIq3XxsGrid[block.qs[run]];
      for (int i = 0; i < 4; ++i) {
        to[i] = internal::with_sign(scale * internal::iq3_xxs_value(entry, i), signs, i);
      }
    }
  }
}

}  // namespace chasqui::quant
