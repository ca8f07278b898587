#include "quant/iq3_s.h"

#include "quant/internal/block_io.h"
#include "quant/internal/half.h"
#include "quant/internal/iq_grids.h"

namespace chasqui::quant {

void decode_iq3_s(const std::byte* from, float* to, int64_t blocks) {
  for (int64_t b = 0; b < blocks; ++b) {
    const auto block = internal::load_block<BlockIQ3_S>(from, b);
    const float d = internal::half_to_float(block.d);
    for (int run = 0; run < 64; ++run, to += 4) {
      const int nibble = block.scales[run / 16] >> (run / 8 % 2 * 4) & 15;
      const float scale = d * static_cast<float>(2 * nibble + 1);
      const unsigned signs = block.signs[run / 2] >> (run % 2 * 4);
      const int high = block.qh[run / 8] >> (run % 8) & 1;
      const uint16_t entry = internal::kIq3SGrid[block.qs[run] | high << 8];
      for (int i = 0; i < 4; ++i) {
        to[i] = internal::with_sign(scale * internal::iq3_s_value(entry, i), signs, i);
      }
    }
  }
}

}  // namespace chasqui::quant
