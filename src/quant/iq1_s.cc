#include "quant/iq1_s.h"

#include "quant/internal/block_io.h"
#include "quant/internal/half.h"
#include "quant/internal/iq_grids.h"

namespace chasqui::quant {

void decode_iq1_s(const std::byte* from, float* to, int64_t blocks) {
  for (int64_t b = 0; b < blocks; ++b) {
    const auto block = internal::load_block<BlockIQ1_S>(from, b);
    const float d = internal::half_to_float(block.d);
    for (int run = 0; run < 32; ++run, to += 8) {
      const int qh = block.qh[run / 4];
      const float scale = d * static_cast<float>(2 * (qh >> 12 & 7) + 1);
      const float delta = qh >> 15 != 0 ? -kIq1Delta : kIq1Delta;
      const int high = qh >> (run % 4 * 3) & 7;
      const uint16_t entry = internal::kIq1Grid[block.qs[run] | high << 8];
      for (int i = 0; i < 8; ++i) to[i] = scale * (internal::iq1_value(entry, i) + delta);
    }
  }
}

}  // namespace chasqui::quant
