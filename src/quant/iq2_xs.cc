#include "quant/iq2_xs.h"

#include "quant/internal/block_io.h"
#include "quant/internal/grid_fit.h"
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

namespace {

using Search = internal::GridSearch<8, 2>;

constexpr internal::GridFormat kFormat = {.group = 16,
                                          .codes = 16,
                                          .first = 0.125f,
                                          .step = 0.25f,
                                          .signs = internal::GridSigns::kEven,
                                          .top_begin = 0.8f,
                                          .top_step = 0.2f,
                                          .tries = 5};

}  // namespace

void encode_iq2_xs(const float* from, const float* weights, std::byte* to, int64_t blocks) {
  const Search search(internal::kIq2XsGrid, internal::kIq2Levels);
  const internal::GridFitter<Search> fitter(search, kFormat, 43);
  for (int64_t b = 0; b < blocks; ++b, from += 256) {
    const auto fitted = fitter.fit(from, internal::block_weights<256>(weights, b));
    BlockIQ2_XS block{};
    block.d = fitted.d;
    for (int g = 0; g < 16; ++g) {
      block.scales[g / 2] |= static_cast<uint8_t>(fitted.scale[g] << (g % 2 * 4));
    }
    for (int r = 0; r < 32; ++r) {
      const unsigned signs = fitted.signs[r] & 127u;
      block.qs[r] = static_cast<uint16_t>(fitted.run[r].index | signs << 9);
    }
    internal::store_block(block, to, b);
  }
}

}  // namespace chasqui::quant
