// Products of float panels (and of tiles decoded by scalar code) with f32 activations: one lane a
// row, fused multiply-adds in the order of k. Exact to the format.
#include "backend/cpu/linear_kernels.h"
#include "backend/cpu/simd.h"

namespace chasqui::backend::cpu::CHASQUI_ISA {

void add_float_kernels(LinearKernels& kernels);

namespace {

// Block shape as in quant_product.h: independent sums hide the latency of the FMA.
constexpr int kTilePanels = kVectorRegisters >= 32 ? 2 : 1;
constexpr int kTileTokens = 6;

// One column (16 rows) of a panel.
struct Float32 {
  static constexpr int kColumnBytes = 64;
  CHASQUI_INLINE static F32x16 load_column(const uint8_t* p) {
    return load(reinterpret_cast<const float*>(p));
  }
};
struct Float16 {
  static constexpr int kColumnBytes = 32;
  CHASQUI_INLINE static F32x16 load_column(const uint8_t* p) {
    return load_f16(reinterpret_cast<const uint16_t*>(p));
  }
};
struct FloatBrain {
  static constexpr int kColumnBytes = 32;
  CHASQUI_INLINE static F32x16 load_column(const uint8_t* p) {
    return load_bf16(reinterpret_cast<const uint16_t*>(p));
  }
};

// `values` columns of kPanels panels times kTokens tokens, added to sums[token * stride + panel].
template <class Format, int kPanels, int kTokens>
CHASQUI_INLINE void columns(const uint8_t* const* panels, int64_t values, const float* const* x,
                            int64_t x_begin, F32x16 (&sums)[kTokens][kPanels]) {
  const float* rows[kTokens];
  for (int t = 0; t < kTokens; ++t) rows[t] = x[t] + x_begin;
  for (int64_t k = 0; k < values; ++k) {
    F32x16 w[kPanels];
    for (int p = 0; p < kPanels; ++p) {
      w[p] = Format::load_column(panels[p] + k * Format::kColumnBytes);
    }
    CHASQUI_UNROLL
    for (int t = 0; t < kTokens; ++t) {
      const F32x16 value = set1(rows[t][k]);
      for (int p = 0; p < kPanels; ++p) sums[t][p] = fma(w[p], value, sums[t][p]);
    }
  }
}

CHASQUI_INLINE void finish(F32x16 sum, const FloatTask& task, int64_t panel, int64_t token) {
  const int64_t row = task.first_row + panel * kPanelRows;
  const int64_t left = task.rows - row;
  const int n = left < kPanelRows ? static_cast<int>(left) : kPanelRows;
  if (task.bias != nullptr) sum = add(sum, load_first(task.bias + panel * kPanelRows, n));
  store_first(task.y[token] + row, sum, n);
}

// Panels that few tokens walk together: enough independent sums to hide the latency of the FMA (a
// token alone would wait 4 cycles for each column), as far as registers reach.
constexpr int panels_together(int tokens) {
  if (kVectorRegisters >= 32) return tokens <= 2 ? 4 : 2;
  return tokens == 1 ? 4 : tokens == 2 ? 2 : 1;
}
// How far ahead of the computation each panel is asked for, see quant_product.h.
constexpr int64_t kPrefetchColumns = 64;
// Columns between two looks at what to prefetch: a line of every format, or two.
constexpr int64_t kRunColumns = 2;

CHASQUI_INLINE void prefetch_lines(const uint8_t* p, int bytes) {
  for (int i = 0; i < bytes; i += 64) prefetch(p + i);
}

// Few tokens: columns go from memory through registers. The last panels may be one panel several
// times, which costs a little and saves a second loop.
template <class Format, int kTokens>
void fused_tokens(const FloatTask& task) {
  constexpr int kTogether = panels_together(kTokens);
  for (int64_t first = 0; first < task.panels; first += kTogether) {
    const uint8_t* panels[kTogether];
    F32x16 sums[kTokens][kTogether];
    for (int p = 0; p < kTogether; ++p) {
      const int64_t at = first + p < task.panels ? first + p : task.panels - 1;
      panels[p] = task.weights + at * task.panel_bytes;
      for (int t = 0; t < kTokens; ++t) sums[t][p] = zero();
    }
    for (int64_t k = 0; k < task.cols; k += kRunColumns) {
      // Past the end the next panels begin.
      const int64_t ahead = k + kPrefetchColumns;
      const int64_t offset = ahead < task.cols ? ahead * Format::kColumnBytes
                                               : (ahead - task.cols) * Format::kColumnBytes +
                                                     kTogether * task.panel_bytes;
      const uint8_t* from[kTogether];
      for (int p = 0; p < kTogether; ++p) {
        prefetch_lines(panels[p] + offset, kRunColumns * Format::kColumnBytes);
        from[p] = panels[p] + k * Format::kColumnBytes;
      }
      const int64_t left = task.cols - k;
      columns<Format, kTogether, kTokens>(from, left < kRunColumns ? left : kRunColumns, task.x, k,
                                          sums);
    }
    for (int p = 0; p < kTogether && first + p < task.panels; ++p) {
      for (int t = 0; t < kTokens; ++t) finish(sums[t][p], task, first + p, t);
    }
  }
}

template <class Format>
void fused(const FloatTask& task) {
  switch (task.tokens) {
    case 1:
      return fused_tokens<Format, 1>(task);
    case 2:
      return fused_tokens<Format, 2>(task);
    case 3:
      return fused_tokens<Format, 3>(task);
    case 4:
      return fused_tokens<Format, 4>(task);
    case 5:
      return fused_tokens<Format, 5>(task);
    case 6:
      return fused_tokens<Format, 6>(task);
    case 7:
      return fused_tokens<Format, 7>(task);
    case 8:
      return fused_tokens<Format, 8>(task);
  }
}

// A tile of f32 columns times kTokens tokens; sums in memory, [token][panels][16].
template <int kPanels, int kTokens>
void tile_block(const float* tile, int64_t values, const float* const* x, int64_t x_begin,
                float* sums) {
  const uint8_t* panels[kPanels];
  F32x16 sum[kTokens][kPanels];
  for (int p = 0; p < kPanels; ++p) {
    panels[p] = reinterpret_cast<const uint8_t*>(tile + p * kFloatTileValues * kPanelRows);
  }
  for (int t = 0; t < kTokens; ++t) {
    for (int p = 0; p < kPanels; ++p) sum[t][p] = load(sums + (t * kPanels + p) * kPanelRows);
  }
  columns<Float32, kPanels, kTokens>(panels, values, x, x_begin, sum);
  for (int t = 0; t < kTokens; ++t) {
    for (int p = 0; p < kPanels; ++p) store(sums + (t * kPanels + p) * kPanelRows, sum[t][p]);
  }
}

template <int kPanels>
void tile_times_x(const float* tile, int64_t values, const float* const* x, int64_t x_begin,
                  int64_t tokens, float* sums) {
  for (int64_t t = 0; t < tokens; t += kTileTokens) {
    float* to = sums + t * kPanels * kPanelRows;
    switch (tokens - t) {
      case 1:
        tile_block<kPanels, 1>(tile, values, x + t, x_begin, to);
        break;
      case 2:
        tile_block<kPanels, 2>(tile, values, x + t, x_begin, to);
        break;
      case 3:
        tile_block<kPanels, 3>(tile, values, x + t, x_begin, to);
        break;
      case 4:
        tile_block<kPanels, 4>(tile, values, x + t, x_begin, to);
        break;
      case 5:
        tile_block<kPanels, 5>(tile, values, x + t, x_begin, to);
        break;
      default:
        tile_block<kPanels, kTileTokens>(tile, values, x + t, x_begin, to);
    }
  }
}

template <class Format, int kPanels>
void tiled_panels(const FloatTask& task, int64_t panel) {
  float* tile = reinterpret_cast<float*>(task.scratch);
  float* sums = tile + kPanels * kFloatTileValues * kPanelRows;
  for (int64_t i = 0; i < task.tokens * kPanels; ++i) store(sums + i * kPanelRows, zero());
  for (int64_t begin = 0; begin < task.cols; begin += kFloatTileValues) {
    const int64_t left = task.cols - begin;
    const int64_t values = left < kFloatTileValues ? left : kFloatTileValues;
    for (int p = 0; p < kPanels; ++p) {
      const uint8_t* from =
          task.weights + (panel + p) * task.panel_bytes + begin * Format::kColumnBytes;
      float* to = tile + p * kFloatTileValues * kPanelRows;
      for (int64_t k = 0; k < values; ++k) {
        prefetch(from + (kFloatTileValues + k) * Format::kColumnBytes);  // the next tile's
        store(to + k * kPanelRows, Format::load_column(from + k * Format::kColumnBytes));
      }
    }
    tile_times_x<kPanels>(tile, values, task.x, begin, task.tokens, sums);
  }
  for (int64_t t = 0; t < task.tokens; ++t) {
    for (int p = 0; p < kPanels; ++p) {
      finish(load(sums + (t * kPanels + p) * kPanelRows), task, panel + p, t);
    }
  }
}

template <class Format>
void product(const FloatTask& task) {
  if (task.tokens <= kMaxFusedTokens) return fused<Format>(task);
  int64_t p = 0;
  for (; p + kTilePanels <= task.panels; p += kTilePanels) {
    tiled_panels<Format, kTilePanels>(task, p);
  }
  for (; p < task.panels; ++p) tiled_panels<Format, 1>(task, p);
}

void float_tile(const FloatTileTask& task) {
  tile_times_x<1>(task.tile, task.values, task.x, task.x_begin, task.tokens, task.sums);
}

}  // namespace

void add_float_kernels(LinearKernels& kernels) {
  kernels.float_tile_bytes = kTilePanels * kFloatTileValues * kPanelRows * sizeof(float);
  kernels.floats[kFloat32] = product<Float32>;
  kernels.floats[kFloat16] = product<Float16>;
  kernels.floats[kFloatBrain] = product<FloatBrain>;
  kernels.float_tile = float_tile;
}

}  // namespace chasqui::backend::cpu::CHASQUI_ISA
