#include "quant/iq1_s.h"

#include "quant/internal/block_io.h"
#include "quant/internal/grid_fit.h"
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

namespace {

using Search = internal::GridSearch<8, 2>;

constexpr internal::GridFormat kFormat = {.group = 32,
                                          .codes = 8,
                                          .first = 1,
                                          .step = 2,
                                          .signs = internal::GridSigns::kNone,
                                          .shift = kIq1Delta,
                                          .top_begin = 0.8f,
                                          .top_step = 0.2f,
                                          .tries = 7};

}  // namespace

void encode_iq1_s(const float* from, const float* weights, std::byte* to, int64_t blocks) {
  const Search search(internal::kIq1Grid, internal::kIq1Levels);
  const internal::GridFitter<Search> fitter(search, kFormat, 1);
  for (int64_t b = 0; b < blocks; ++b, from += 256) {
    const auto fitted = fitter.fit(from, internal::block_weights<256>(weights, b));
    BlockIQ1_S block{};
    block.d = fitted.d;
    for (int g = 0; g < 8; ++g) {
      block.qh[g] = static_cast<uint16_t>(fitted.scale[g] << 12 | fitted.run[g * 4].down << 15);
    }
    for (int r = 0; r < 32; ++r) {
      const int index = fitted.run[r].index;
      block.qs[r] = static_cast<uint8_t>(index);
      block.qh[r / 4] |= static_cast<uint16_t>((index >> 8) << (r % 4 * 3));
    }
    internal::store_block(block, to, b);
  }
}

}  // namespace chasqui::quant
