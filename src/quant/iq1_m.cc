#include "quant/iq1_m.h"

#include "quant/internal/block_io.h"
#include "quant/internal/grid_fit.h"
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

namespace {

using Search = internal::GridSearch<8, 2>;

constexpr internal::GridFormat kFormat = {.group = 16,
                                          .codes = 8,
                                          .first = 1,
                                          .step = 2,
                                          .signs = internal::GridSigns::kNone,
                                          .shift = kIq1Delta,
                                          .each_run = true,
                                          .top_begin = 0.8f,
                                          .top_step = 0.2f,
                                          .tries = 7};

}  // namespace

void encode_iq1_m(const float* from, const float* weights, std::byte* to, int64_t blocks) {
  const Search search(internal::kIq1Grid, internal::kIq1Levels);
  const internal::GridFitter<Search> fitter(search, kFormat, 1);
  for (int64_t b = 0; b < blocks; ++b, from += 256) {
    const auto fitted = fitter.fit(from, internal::block_weights<256>(weights, b));
    BlockIQ1_M block{};
    for (int w4 = 0; w4 < 4; ++w4) {
      block.scales[w4] = static_cast<uint16_t>((fitted.d >> (4 * w4) & 15) << 12);
    }
    for (int g = 0; g < 16; ++g) {
      block.scales[g / 4] |= static_cast<uint16_t>(fitted.scale[g] << (g % 4 * 3));
    }
    for (int r = 0; r < 32; ++r) {
      const int index = fitted.run[r].index;
      const int nibble = index >> 8 | fitted.run[r].down << 3;
      block.qs[r] = static_cast<uint8_t>(index);
      block.qh[r / 2] |= static_cast<uint8_t>(nibble << (r % 2 * 4));
    }
    internal::store_block(block, to, b);
  }
}

}  // namespace chasqui::quant
