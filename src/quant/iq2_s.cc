#include "quant/iq2_s.h"

#include "quant/internal/block_io.h"
#include "quant/internal/half.h"
#include "quant/internal/iq_grids.h"

namespace chasqui::quant {

void decode_iq2_s(const std::byte* from, float* to, int64_t blocks) {
  for (int64_t b = 0; b < blocks; ++b) {
    const auto block = internal::load_block<BlockIQ2_S>(from, b);
    const float d = internal::half_to_float(block.d);
    for (int run = 0; run < 32; ++run, to += 8) {
      const int nibble = block.scales[run / 4] >> (run / 2 % 2 * 4) & 15;
      const float scale = d * (0.5f + static_cast<float>(nibble)) * 0.25f;
      const int high = block.qh[run / 4] >> (run % 4 * 2) & 3;
      const uint16_t entry = internal::kIq2SGrid[block.qs[run] | high << 8];
      for (int i = 0; i < 8; ++i) {
        to[i] = internal::with_sign(scale * internal::iq2_value(entry, i), block.signs[run], i);
      }
    }
  }
}

}  // namespace chasqui::quant
