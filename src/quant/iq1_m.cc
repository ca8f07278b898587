#include "quant/iq1_m.h"

#include "quant/internal/block_io.h"
#include "quant/internal/half.h"
#include "quant/internal/iq_grids.h"
#include "quant/iq1_s.h"

namespace chasqui::quant {

void decode_iq1_m(const std::byte* from, float* to, int64_t blocks) {
  for (int64_t b = 0; b < blocks; ++b) {
    const auto block = internal::load_block<BlockIQ1_M>(from, b);
    int d_bits = 0;
    for (int w = 0; w < 4; ++w) d_bits |= block.scales[w] >> 12 << (4 * w);
    const float d = internal::half_to_float(static_cast<uint16_t>(d_bits));
    for (int run = 0; run < 32; ++run, to += 8) {
      const int three_bits = block.scales[run / 8] >> (run / 2 % 4 * 3) & 7;
      const float scale = d * static_cast<float>(2 * three_bits + 1);
      const int nibble = block.qh[run / 2] >> (run % 2 * 4) & 15;
      const float delta = (nibble & 8) != 0 ? -kIq1Delta : kIq1Delta;
      const uint16_t entry = internal::kIq1Grid[block.qs[run] | (nibble & 7) << 8];
      for (int i = 0; i < 8; ++i) to[i] = scale * (internal::iq1_value(entry, i) + delta);
    }
  }
}

}  // namespace chasqui::quant
