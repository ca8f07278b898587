#include "quant/iq3_xxs.h"

#include <bit>
#include <cstring>

#include "quant/internal/block_io.h"
#include "quant/internal/grid_fit.h"
#include "quant/internal/half.h"
#include "quant/internal/iq_grids.h"

namespace chasqui::quant {

void decode_iq3_xxs(const std::byte* from, float* to, int64_t blocks) {
  for (int64_t b = 0; b < blocks; ++b) {
    const auto block = internal::load_block<BlockIQ3_XXS>(from, b);
    const float d = internal::half_to_float(block.d);
    for (int run = 0; run < 64; ++run, to += 4) {
      const auto tail = std::bit_cast<uint32_t>(block.tails[run / 8]);
      const float scale = d * (0.5f + static_cast<float>(tail >> 28)) * 0.5f;
      const unsigned pair = internal::signs_of_seven(tail >> (7 * (run / 2 % 4)) & 127);
      const unsigned signs = pair >> (run % 2 * 4);
      const uint16_t entry = internal::kIq3XxsGrid[block.qs[run]];
      for (int i = 0; i < 4; ++i) {
        to[i] = internal::with_sign(scale * internal::iq3_xxs_value(entry, i), signs, i);
      }
    }
  }
}

namespace {

using Search = internal::GridSearch<4, 3>;

constexpr internal::GridFormat kFormat = {.group = 32,
                                          .codes = 16,
                                          .first = 0.25f,
                                          .step = 0.5f,
                                          .signs = internal::GridSigns::kEven,
                                          .top_begin = 0.7f,
                                          .top_step = 0.15f,
                                          .tries = 4};

}  // namespace

void encode_iq3_xxs(const float* from, const float* weights, std::byte* to, int64_t blocks) {
  const Search search(internal::kIq3XxsGrid, internal::kIq3XxsLevels);
  const internal::GridFitter<Search> fitter(search, kFormat, 62);
  for (int64_t b = 0; b < blocks; ++b, from += 256) {
    const auto fitted = fitter.fit(from, internal::block_weights<256>(weights, b));
    BlockIQ3_XXS block{};
    block.d = fitted.d;
    for (int r = 0; r < 64; ++r) block.qs[r] = static_cast<uint8_t>(fitted.run[r].index);
    for (int g = 0; g < 8; ++g) {
      uint32_t tail = static_cast<uint32_t>(fitted.scale[g]) << 28;
      for (int i = 0; i < 4; ++i) tail |= (fitted.signs[g * 4 + i] & 127u) << (7 * i);
      std::memcpy(block.tails[g], &tail, sizeof(tail));
    }
    internal::store_block(block, to, b);
  }
}

}  // namespace chasqui::quant
