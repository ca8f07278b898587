// What this processor allows the tile kernel (src/backend/cpu/internal/quant_product.h) at best:
// its instructions without anything around them, on data that stays in the first-level cache. The
// float part of each group of 32 values shares execution units with the dot products, so a format
// that needs more of it can come less close to the rate of vpdpbusd alone.
//
//   chasqui_bench_tile_bound        a JSON line for each kind of float part, one thread
#include <fmt/format.h>
#include <immintrin.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace {

#define CHASQUI_BOUND_TARGET \
  __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")))

constexpr int kTokens = 6;
constexpr int kPanels = 2;
constexpr int kGroups = 8;
constexpr int kBlocks = 44;  // of tokens, that meet one tile
constexpr int kRows = 16;

// What is done with each integer sum.
enum class FloatPart {
  kNone,     // it is added up
  kScale,    // times the weights' scale times the activations', added up: Q4_0, Q8_0
  kMinimum,  // and less the minimum times the activations' sum: Q4_K, Q5_K
};

struct alignas(64) TileGroup {
  uint8_t w[8][64];
  float scale[kRows];
  float minimum[kRows];
};
struct alignas(64) XGroup {
  int32_t quads[8][kTokens];
  float scale[kTokens];
  float sum[kTokens];
};
using Tile = std::array<std::array<TileGroup, kPanels>, kGroups>;
using XBlock = std::array<XGroup, kGroups>;
struct alignas(64) Sums {
  float at[kTokens][kPanels][kRows];
};

template <FloatPart kPart>
CHASQUI_BOUND_TARGET inline __m512 add_group(__m512 sum, __m512i dots, const TileGroup& group,
                                             const XGroup& x, int token) {
  const __m512 values = _mm512_cvtepi32_ps(dots);
  if constexpr (kPart == FloatPart::kNone) return _mm512_add_ps(values, sum);
  const __m512 scale = _mm512_mul_ps(_mm512_load_ps(group.scale), _mm512_set1_ps(x.scale[token]));
  sum = _mm512_fmadd_ps(values, scale, sum);
  if constexpr (kPart == FloatPart::kMinimum) {
    sum = _mm512_fnmadd_ps(_mm512_load_ps(group.minimum), _mm512_set1_ps(x.sum[token]), sum);
  }
  return sum;
}

template <FloatPart kPart>
CHASQUI_BOUND_TARGET __attribute__((noinline)) void block(const Tile& tile, const XBlock& x,
                                                          Sums& sums) {
  __m512 sum[kPanels][kTokens];
  for (int t = 0; t < kTokens; ++t) {
    for (int p = 0; p < kPanels; ++p) sum[p][t] = _mm512_load_ps(sums.at[t][p]);
  }
  for (int g = 0; g < kGroups; ++g) {
    __m512i dots[kPanels][kTokens];
    for (auto& panel : dots) std::ranges::fill(panel, _mm512_setzero_si512());
#pragma GCC unroll 8
    for (int j = 0; j < 8; ++j) {
      __m512i w[kPanels];
      for (int p = 0; p < kPanels; ++p) w[p] = _mm512_load_si512(tile[g][p].w[j]);
#pragma GCC unroll 8
      for (int t = 0; t < kTokens; ++t) {
        const __m512i quad = _mm512_set1_epi32(x[g].quads[j][t]);
        for (int p = 0; p < kPanels; ++p) {
          dots[p][t] = _mm512_dpbusd_epi32(dots[p][t], w[p], quad);
        }
      }
    }
#pragma GCC unroll 8
    for (int t = 0; t < kTokens; ++t) {
      for (int p = 0; p < kPanels; ++p) {
        sum[p][t] = add_group<kPart>(sum[p][t], dots[p][t], tile[g][p], x[g], t);
      }
    }
  }
  for (int t = 0; t < kTokens; ++t) {
    for (int p = 0; p < kPanels; ++p) _mm512_store_ps(sums.at[t][p], sum[p][t]);
  }
}

// Best of many short rounds, so that what the machine does besides does not count.
template <FloatPart kPart>
double gmac_per_s() {
  using Clock = std::chrono::steady_clock;
  constexpr int kRounds = 60;
  constexpr int kRepeats = 200;
  constexpr double kMacs = double{kRepeats} * kBlocks * kGroups * 32 * kTokens * kPanels * kRows;
  const auto tile = std::make_unique<Tile>();
  const std::vector<XBlock> x(kBlocks);
  std::vector<Sums> sums(kBlocks);
  double best = 0;
  for (int round = 0; round < kRounds; ++round) {
    const auto begin = Clock::now();
    for (int repeat = 0; repeat < kRepeats; ++repeat) {
      for (size_t b = 0; b < x.size(); ++b) block<kPart>(*tile, x[b], sums[b]);
    }
    const std::chrono::duration<double> seconds = Clock::now() - begin;
    best = std::max(best, kMacs / seconds.count() * 1e-9);
  }
  return best;
}

}  // namespace

int main() {
  if (!__builtin_cpu_supports("avx512vnni")) {
    fmt::print(stderr, "This processor has no AVX-512 VNNI; there is nothing to measure.\n");
    return 1;
  }
  const double peak = gmac_per_s<FloatPart::kNone>();
  const auto line = [&](std::string_view part, double rate) {
    fmt::print("{{\"float_part\":\"{}\",\"gmac_per_s\":{:.1f},\"of_dot_products_alone\":{:.3f}}}\n",
               part, rate, rate / peak);
  };
  line("none", peak);
  line("scale", gmac_per_s<FloatPart::kScale>());
  line("scale and minimum", gmac_per_s<FloatPart::kMinimum>());
  return 0;
}
