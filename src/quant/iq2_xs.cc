#include "quant/iq2_xs.h"

#include "quant/internal/block_io.h"
#include "quant/internal/half.h"
#include "quant/internal/iq_grids.h"

namespace chasqui::quant {

void decode_iq2_xs(const std::byte* from, float* to, int64_t blocks) {
  for (int64_t b = 0; b < blocks; ++b) {
    const auto block = internal::load_block<BlockIQ2_XS>(from, b);
    const float d = internal::half_to_float(block.d);
    for (int run = 0; run < 32; ++run, to += 8) {
      const int nibble = block.scales[run / 4] >> (run / 2 % 2 * 4) & 15;
      const float scale = d * (0.5f + static_cast<float>(nibble)) * 0.25f;
      const unsigned signs = internal::signs_of_seven(block.qs[run] >> 9);
      const uint16_t entry = internal::kIq2XsGrid[block.qs[run] & 511];
      for (int i = 0; i < 8; ++i) {
        to[i] = internal::with_sign(scale * internal::iq2_value(entry, i), signs, i);
      }
    }
  }
}

}  // namespace chasqui::quant
