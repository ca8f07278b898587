#include "quant/iq2_xxs.h"

#include <span>

#include "quant/internal/block_io.h"
#include "quant/internal/half.h"
#include "quant/internal/iq_grids.h"

namespace chasqui::quant {

void decode_iq2_xxs(const std::byte* from, float* to, int64_t blocks) {
  for (int64_t b = 0; b < blocks; ++b) {
    const auto block = internal::load_block<BlockIQ2_XXS>(from, b);
    const float d = internal::half_to_float(block.d);
    for (int run = 0; run < 32; ++run, to += 8) {
      const uint8_t* group = block.groups[run / 4];
      const auto tail =
          internal::load_block<uint32_t>(std::as_bytes(std::span(group, 8)).data(), 1);
      const float scale = d * (0.5f + static_cast<float>(tail >> 28)) * 0.25f;
      const unsigned signs = internal::signs_of_seven(tail >> (7 * (run % 4)) & 127);
      const uint16_t entry = internal::kIq2XxsGrid[group[run % 4]];
      for (int i = 0; i < 8; ++i) {
        to[i] = internal::with_sign(scale * internal::iq2_value(entry, i), signs, i);
      }
    }
  }
}

}  // namespace chasqui::quant
