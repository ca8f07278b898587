#include "quant/iq2_xxs.h"

#include <cstring>
#include <span>

#include "quant/internal/block_io.h"
#include "quant/internal/grid_fit.h"
#include "quant/internal/half.h"
#include "quant/internal/iq_grids.h"

namespace chasqui::quant {

void decode_iq2_xxs(const std::byte* from, float* to, int64_t blocks) {
  for (int64_t b = 0; b < blocks; ++b) {
    const auto block = internal::load_block<BlockIQ2_XXS>(from, b);
    const float d = internal::half_to_float(block.d);
    for (int run = 0; run < 32; ++run, to += 8) {
      const uint8_t* group = block.groups[run / 4];
      const auto tail =
          internal::load_block<uint32_t>(std::as_bytes(std::span(group, 8)).data(), 1);
      const float scale = d * (0.5f + static_cast<float>(tail >> 28)) * 0.25f;
      const unsigned signs = internal::signs_of_seven(tail >> (7 * (run % 4)) & 127);
      const uint16_t entry = internal::kIq2XxsGrid[group[run % 4]];
      for (int i = 0; i < 8; ++i) {
        to[i] = internal::with_sign(scale * internal::iq2_value(entry, i), signs, i);
      }
    }
  }
}

namespace {

using Search = internal::GridSearch<8, 2>;

constexpr internal::GridFormat kFormat = {.group = 32,
                                          .codes = 16,
                                          .first = 0.125f,
                                          .step = 0.25f,
                                          .signs = internal::GridSigns::kEven,
                                          .top_begin = 0.8f,
                                          .top_step = 0.2f,
                                          .tries = 5};

}  // namespace

void encode_iq2_xxs(const float* from, const float* weights, std::byte* to, int64_t blocks) {
  const Search search(internal::kIq2XxsGrid, internal::kIq2Levels);
  const internal::GridFitter<Search> fitter(search, kFormat, 43);
  for (int64_t b = 0; b < blocks; ++b, from += 256) {
    const auto fitted = fitter.fit(from, internal::block_weights<256>(weights, b));
    BlockIQ2_XXS block{};
    block.d = fitted.d;
    for (int g = 0; g < 8; ++g) {
      uint32_t tail = static_cast<uint32_t>(fitted.scale[g]) << 28;
      for (int r = 0; r < 4; ++r) {
        block.groups[g][r] = static_cast<uint8_t>(fitted.run[g * 4 + r].index);
        tail |= (fitted.signs[g * 4 + r] & 127u) << (7 * r);
      }
      std::memcpy(block.groups[g] + 4, &tail, sizeof(tail));
    }
    internal::store_block(block, to, b);
  }
}

}  // namespace chasqui::quant
