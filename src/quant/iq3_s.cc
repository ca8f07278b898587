#include "quant/iq3_s.h"

#include "quant/internal/block_io.h"
#include "quant/internal/grid_fit.h"
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

namespace {

using Search = internal::GridSearch<4, 3>;

constexpr internal::GridFormat kFormat = {.group = 32,
                                          .codes = 16,
                                          .first = 1,
                                          .step = 2,
                                          .signs = internal::GridSigns::kFree,
                                          .top_begin = 0.7f,
                                          .top_step = 0.15f,
                                          .tries = 4};

}  // namespace

void encode_iq3_s(const float* from, const float* weights, std::byte* to, int64_t blocks) {
  const Search search(internal::kIq3SGrid, internal::kIq3SLevels);
  const internal::GridFitter<Search> fitter(search, kFormat, 15);
  for (int64_t b = 0; b < blocks; ++b, from += 256) {
    const auto fitted = fitter.fit(from, internal::block_weights<256>(weights, b));
    BlockIQ3_S block{};
    block.d = fitted.d;
    for (int g = 0; g < 8; ++g) {
      block.scales[g / 2] |= static_cast<uint8_t>(fitted.scale[g] << (g % 2 * 4));
    }
    for (int r = 0; r < 64; ++r) {
      const int index = fitted.run[r].index;
      block.qs[r] = static_cast<uint8_t>(index);
      block.qh[r / 8] |= static_cast<uint8_t>((index >> 8) << (r % 8));
    }
    std::copy(std::begin(fitted.signs), std::end(fitted.signs), block.signs);
    internal::store_block(block, to, b);
  }
}

}  // namespace chasqui::quant
