// Integer dot products over packed panels, written once for all formats; linear_kernels.h has the
// layout and the arithmetic. The formats are compiled in several files (linear_q*_kernels.cc), so
// that a build can do it in parallel.
#pragma once

#include "backend/cpu/linear_code_formats.h"
#include "backend/cpu/linear_formats.h"
#include "backend/cpu/linear_kernels.h"
#include "backend/cpu/simd.h"

namespace chasqui::backend::cpu::CHASQUI_ISA {

// How far ahead of the computation weights are asked for: from memory into the second-level cache
// first, from there into the first level when they are nearly due. The first level alone has too
// few miss buffers to wait for memory with (24 lines on Zen 4: a core reads 13 GB/s that way and 20
// this way); 12 KiB cover a latency of 500 ns at that rate. What is far ahead of one token is near
// for eight, whose weights would come from the second level one miss at a time without the second
// hint.
constexpr int64_t kFarBytes = 12 * 1024;
constexpr int64_t kNearBytes = 2 * 1024;

// Block shape of the tile path. AVX-512: 2 panels x 6 tokens need 12 integer sums, 12 float sums
// and 3 operands, and a loaded activation serves both panels. With half the registers: 1 x 2.
constexpr int kTilePanels = kVectorRegisters >= 32 ? 2 : 1;
constexpr int kTileTokens = kVectorRegisters >= 32 ? 6 : 2;
static_assert(kTileTokens <= kMaxFusedTokens);

template <Traits kTraits>
CHASQUI_INLINE I32x16 dot(I32x16 sum, U8x64 w, S8x64 x) {
  if constexpr (kTraits.wide) return dot4_wide(sum, w, x);
  return dot4(sum, w, x);
}

// The record of one group in a block of kTokens tokens.
template <int kTokens>
struct XRecord {
  const uint8_t* at;

  CHASQUI_INLINE S8x64 quad(int j, int token) const {
    return broadcast_quad(reinterpret_cast<const int8_t*>(at) + 4 * (j * kTokens + token));
  }
  CHASQUI_INLINE const uint8_t* field(int index, int token) const {
    return at + 4 * ((kGroupValues / 4 + index) * kTokens + token);
  }
  CHASQUI_INLINE F32x16 number(int index, int token) const {
    return set1(*reinterpret_cast<const float*>(field(index, token)));
  }
  template <Traits kTraits>
  CHASQUI_INLINE I32x16 start(int half, int token) const {
    if constexpr (kTraits.start < 0) return izero();
    return iset1(*reinterpret_cast<const int32_t*>(field(kTraits.start + half, token)));
  }
  // -32 times the sum of a half's values, in units of the scale.
  CHASQUI_INLINE F32x16 half_sum(int half, int token) const {
    return to_f32(iset1(*reinterpret_cast<const int32_t*>(field(kXStart32 + half, token))));
  }
};

// The float part of a group's step: the one place that defines its rounding. dots: one for each
// scale.
template <Traits kTraits, int kTokens>
CHASQUI_INLINE F32x16 accumulate(F32x16 sum, const I32x16* dots, const GroupNumbers& group,
                                 XRecord<kTokens> x, int token) {
  const F32x16 x_scale = x.number(kXScale, token);
  if constexpr (kTraits.halves) {
    F32x16 both = fma(to_f32(dots[1]), group.scales[1], mul(to_f32(dots[0]), group.scales[0]));
    if constexpr (kTraits.minima) {
      both = fma(x.half_sum(0, token), group.minima[0], both);
      both = fma(x.half_sum(1, token), group.minima[1], both);
    }
    return fma(both, x_scale, sum);
  } else {
    sum = fma(to_f32(dots[0]), mul(group.scales[0], x_scale), sum);
    if constexpr (kTraits.minima) sum = fnma(group.minima[0], x.number(kXSum, token), sum);
    return sum;
  }
}

// Tokens [kFirst, kFirst + kCount) of a block of kTokens times one group of one panel, weights in
// registers. Tokens are innermost: their sums are independent, which hides the latency of the dot
// product. Few tokens alone are too few chains (4 tokens ran at 130 of 500 GMAC/s), so they get two
// each, one for either half of the group; the total is an integer and does not depend on it. More
// tokens would run out of registers.
template <Traits kTraits, int kTokens, int kFirst, int kCount>
CHASQUI_INLINE void step_part(const Group& group, XRecord<kTokens> x, F32x16* sums) {
  constexpr int kChains = kTraits.halves || kCount <= 4 ? 2 : 1;
  I32x16 dots[kCount][kChains];
  CHASQUI_UNROLL
  for (int t = 0; t < kCount; ++t) {
    dots[t][0] = x.template start<kTraits>(0, kFirst + t);
    if constexpr (kTraits.halves) {
      dots[t][1] = x.template start<kTraits>(1, kFirst + t);
    } else if constexpr (kChains == 2) {
      dots[t][1] = izero();
    }
  }
  CHASQUI_UNROLL
  for (int i = 0; i < 8; ++i) {
    const int j = i / 2 + i % 2 * 4;  // 0 4 1 5 ...: both nibbles of a vector together
    const int chain = j / 4 * (kChains - 1);
    CHASQUI_UNROLL
    for (int t = 0; t < kCount; ++t) {
      dots[t][chain] = dot<kTraits>(dots[t][chain], group.w[j], x.quad(j, kFirst + t));
    }
  }
  CHASQUI_UNROLL
  for (int t = 0; t < kCount; ++t) {
    if constexpr (kChains == 2 && !kTraits.halves) dots[t][0] = iadd(dots[t][0], dots[t][1]);
    F32x16& sum = sums[kFirst + t];
    sum = accumulate<kTraits>(sum, dots[t], group, x, kFirst + t);
  }
}

// One group of one panel times kTokens tokens. Two dot products a token (halves) do not fit for
// more than four tokens beside the weights and the sums: those go in two parts.
template <Traits kTraits, int kTokens>
CHASQUI_INLINE void step(const Group& group, XRecord<kTokens> x, F32x16* sums) {
  if constexpr (kTraits.halves && kTokens > 4) {
    constexpr int kPart = (kTokens + 1) / 2;
    step_part<kTraits, kTokens, 0, kPart>(group, x, sums);
    step_part<kTraits, kTokens, kPart, kTokens - kPart>(group, x, sums);
  } else {
    step_part<kTraits, kTokens, 0, kTokens>(group, x, sums);
  }
}

CHASQUI_INLINE void finish(F32x16 sum, const QuantTask& task, int64_t panel, int64_t token) {
  const int64_t row = task.first_row + panel * kPanelRows;
  const int64_t left = task.rows - row;
  const int n = left < kPanelRows ? static_cast<int>(left) : kPanelRows;
  if (task.bias != nullptr) sum = add(sum, load_first(task.bias + panel * kPanelRows, n));
  store_first(task.y[token] + row, sum, n);
}

CHASQUI_INLINE GroupAt group_at(const QuantTask& task, const PackShape& shape, const uint8_t* panel,
                                int64_t group) {
  return {panel + task.scale_at + group * shape.scale_bytes,
          panel + task.high_at + group * shape.high_bytes,
          panel + task.quant_at + group * shape.quant_bytes};
}

enum class Distance { kFar, kNear };

template <Distance kDistance>
CHASQUI_INLINE void prefetch_lines(const uint8_t* p, int bytes) {
  for (int i = 0; i < bytes; i += 64) {
    kDistance == Distance::kFar ? prefetch_far(p + i) : prefetch(p + i);
  }
}

// Asks for one group, in every section: they are read at the same pace but lie apart. Past the end
// of the panel the next one begins; the last one asks for a little too much.
template <class Format, Distance kDistance>
CHASQUI_INLINE void prefetch_group(const QuantTask& task, const uint8_t* panel, int64_t group) {
  constexpr PackShape kShape = kPackShapes[Format::kKind];
  const bool next = group >= task.groups;
  const GroupAt at = group_at(task, kShape, next ? panel + task.panel_bytes : panel,
                              next ? group - task.groups : group);
  prefetch_lines<kDistance>(at.quant, kShape.quant_bytes);
  prefetch_lines<kDistance>(at.high, kShape.high_bytes);
  prefetch_lines<kDistance>(at.scale, kShape.scale_bytes);
}

// One panel times kTokens tokens.
template <class Format, int kTokens>
void fused_panel(const QuantTask& task, int64_t panel_index) {
  constexpr PackShape kShape = kPackShapes[Format::kKind];
  constexpr int64_t kGroupBytes = kShape.quant_bytes + kShape.high_bytes + kShape.scale_bytes;
  const uint8_t* panel = task.weights + panel_index * task.panel_bytes;
  const uint8_t* x = task.x;
  F32x16 sums[kTokens];
  for (int t = 0; t < kTokens; ++t) sums[t] = zero();
  for (int64_t first = 0; first < task.groups; first += kShape.super_groups) {
    const uint8_t* super_at = panel + first / kShape.super_groups * kShape.super_bytes;
    if (kShape.super_bytes != 0) prefetch_far(super_at + task.panel_bytes);
    const auto super = Format::Super::load(super_at);
    for (int64_t g = first; g < first + kShape.super_groups; ++g) {
      prefetch_group<Format, Distance::kFar>(task, panel, g + kFarBytes / kGroupBytes);
      prefetch_group<Format, Distance::kNear>(task, panel, g + kNearBytes / kGroupBytes);
      const Group group = Format::load(group_at(task, kShape, panel, g), super);
      step<Format::kTraits, kTokens>(group, {x}, sums);
      x += kTokens * kXRecordBytes;
    }
  }
  for (int t = 0; t < kTokens; ++t) finish(sums[t], task, panel_index, t);
}

template <class Format, int kTokens>
void fused_tokens(const QuantTask& task) {
  for (int64_t p = 0; p < task.panels; ++p) fused_panel<Format, kTokens>(task, p);
}

template <class Format>
void fused(const QuantTask& task) {
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

// ---- many tokens: tiles -----------------------------------------------------------------------

// A group as it lies in the tile.
struct alignas(64) TileGroup {
  uint8_t w[8][64];
  float scales[2][16];
  float minima[2][16];
};
struct alignas(64) Tile {
  TileGroup groups[kTileGroups][kTilePanels];
};

template <Traits kTraits>
CHASQUI_INLINE GroupNumbers load_numbers(const TileGroup& group) {
  GroupNumbers numbers;
  for (int i = 0; i < (kTraits.halves ? 2 : 1); ++i) {
    numbers.scales[i] = load(group.scales[i]);
    if constexpr (kTraits.minima) numbers.minima[i] = load(group.minima[i]);
  }
  return numbers;
}

template <class Format>
void unpack(const QuantTask& task, int64_t panel_index, int64_t first_group, int64_t groups,
            Tile& tile, int slot) {
  constexpr PackShape kShape = kPackShapes[Format::kKind];
  constexpr Traits kTraits = Format::kTraits;
  const uint8_t* panel = task.weights + panel_index * task.panel_bytes;
  for (int64_t s = 0; s < groups; s += kShape.super_groups) {
    const auto super =
        Format::Super::load(panel + (first_group + s) / kShape.super_groups * kShape.super_bytes);
    for (int64_t g = s; g < s + kShape.super_groups; ++g) {
      // The run that is unpacked next, while the tokens meet this one.
      prefetch_group<Format, Distance::kFar>(task, panel, first_group + kTileGroups + g);
      const Group group = Format::load(group_at(task, kShape, panel, first_group + g), super);
      TileGroup& to = tile.groups[g][slot];
      for (int j = 0; j < 8; ++j) store_u8(to.w[j], group.w[j]);
      for (int i = 0; i < (kTraits.halves ? 2 : 1); ++i) {
        store(to.scales[i], group.scales[i]);
        if constexpr (kTraits.minima) store(to.minima[i], group.minima[i]);
      }
    }
  }
}

// One group of the tile times kTokens tokens.
template <Traits kTraits, int kPanels, int kTokens>
CHASQUI_INLINE void tile_step(const TileGroup* group, XRecord<kTokens> x,
                              F32x16 (&sums)[kPanels][kTokens]) {
  I32x16 dots[kPanels][kTokens];
  CHASQUI_UNROLL
  for (int t = 0; t < kTokens; ++t) {
    for (int p = 0; p < kPanels; ++p) dots[p][t] = x.template start<kTraits>(0, t);
  }
  CHASQUI_UNROLL
  for (int j = 0; j < 8; ++j) {
    U8x64 w[kPanels];
    for (int p = 0; p < kPanels; ++p) w[p] = load_u8(group[p].w[j]);
    CHASQUI_UNROLL
    for (int t = 0; t < kTokens; ++t) {
      const S8x64 quad = x.quad(j, t);
      for (int p = 0; p < kPanels; ++p) dots[p][t] = dot<kTraits>(dots[p][t], w[p], quad);
    }
  }
  CHASQUI_UNROLL
  for (int t = 0; t < kTokens; ++t) {
    for (int p = 0; p < kPanels; ++p) {
      const GroupNumbers numbers = load_numbers<kTraits>(group[p]);
      sums[p][t] = accumulate<kTraits>(sums[p][t], &dots[p][t], numbers, x, t);
    }
  }
}

// The same with two scales a group. The halves take the place of the panels: as many independent
// sums, and both are at hand at the end.
template <Traits kTraits, int kPanels, int kTokens>
CHASQUI_INLINE void tile_step_halves(const TileGroup* group, XRecord<kTokens> x,
                                     F32x16 (&sums)[kPanels][kTokens]) {
  CHASQUI_UNROLL
  for (int p = 0; p < kPanels; ++p) {
    I32x16 dots[kTokens][2];
    CHASQUI_UNROLL
    for (int t = 0; t < kTokens; ++t) {
      for (int half = 0; half < 2; ++half) dots[t][half] = x.template start<kTraits>(half, t);
    }
    CHASQUI_UNROLL
    for (int i = 0; i < 8; ++i) {
      const int half = i % 2;
      const int j = half * 4 + i / 2;
      const U8x64 w = load_u8(group[p].w[j]);
      CHASQUI_UNROLL
      for (int t = 0; t < kTokens; ++t) {
        dots[t][half] = dot<kTraits>(dots[t][half], w, x.quad(j, t));
      }
    }
    CHASQUI_UNROLL
    for (int t = 0; t < kTokens; ++t) {
      const GroupNumbers numbers = load_numbers<kTraits>(group[p]);
      sums[p][t] = accumulate<kTraits>(sums[p][t], dots[t], numbers, x, t);
    }
  }
}

// Adds `groups` groups of kPanels panels times kTokens tokens to sums[token][panel][lane].
template <Traits kTraits, int kPanels, int kTokens>
void tile_block(const Tile& tile, int64_t groups, const uint8_t* x, float* sums) {
  F32x16 sum[kPanels][kTokens];
  CHASQUI_UNROLL
  for (int t = 0; t < kTokens; ++t) {
    for (int p = 0; p < kPanels; ++p) sum[p][t] = load(sums + (t * kTilePanels + p) * kPanelRows);
  }
  for (int64_t g = 0; g < groups; ++g, x += kTokens * kXRecordBytes) {
    if constexpr (kTraits.halves) {
      tile_step_halves<kTraits, kPanels, kTokens>(tile.groups[g], {x}, sum);
    } else {
      tile_step<kTraits, kPanels, kTokens>(tile.groups[g], {x}, sum);
    }
  }
  CHASQUI_UNROLL
  for (int t = 0; t < kTokens; ++t) {
    for (int p = 0; p < kPanels; ++p) store(sums + (t * kTilePanels + p) * kPanelRows, sum[p][t]);
  }
}

template <Traits kTraits, int kPanels>
void tile_rest(const Tile& tile, int64_t groups, const uint8_t* x, int64_t tokens, float* sums) {
  static_assert(kTileTokens <= 6);
  switch (tokens) {
    case 1:
      return tile_block<kTraits, kPanels, 1>(tile, groups, x, sums);
    case 2:
      return tile_block<kTraits, kPanels, 2>(tile, groups, x, sums);
    case 3:
      return tile_block<kTraits, kPanels, 3>(tile, groups, x, sums);
    case 4:
      return tile_block<kTraits, kPanels, 4>(tile, groups, x, sums);
    case 5:
      return tile_block<kTraits, kPanels, 5>(tile, groups, x, sums);
    case 6:
      return tile_block<kTraits, kPanels, 6>(tile, groups, x, sums);
  }
}

// The tile times all tokens.
template <Traits kTraits, int kPanels>
void tile_times_x(const QuantTask& task, const Tile& tile, int64_t first_group, int64_t groups,
                  float* sums) {
  for (int64_t t = 0; t < task.tokens; t += kTileTokens) {
    const int64_t left = task.tokens - t;
    const int64_t tokens = left < kTileTokens ? left : kTileTokens;
    const uint8_t* x = task.x + (first_group * task.tokens + t * groups) * kXRecordBytes;
    float* to = sums + t * kTilePanels * kPanelRows;
    if (tokens == kTileTokens) {
      tile_block<kTraits, kPanels, kTileTokens>(tile, groups, x, to);
    } else {
      tile_rest<kTraits, kPanels>(tile, groups, x, tokens, to);
    }
  }
}

// kPanels panels times all tokens.
template <class Format, int kPanels>
void tiled_panels(const QuantTask& task, int64_t panel_index) {
  Tile& tile = *reinterpret_cast<Tile*>(task.scratch);
  float* sums = reinterpret_cast<float*>(task.scratch + sizeof(Tile));
  for (int64_t i = 0; i < task.tokens * kTilePanels; ++i) store(sums + i * kPanelRows, zero());
  for (int64_t g = 0; g < task.groups; g += kTileGroups) {
    const int64_t left = task.groups - g;
    const int64_t groups = left < kTileGroups ? left : kTileGroups;
    for (int p = 0; p < kPanels; ++p) unpack<Format>(task, panel_index + p, g, groups, tile, p);
    tile_times_x<Format::kTraits, kPanels>(task, tile, g, groups, sums);
  }
  for (int64_t t = 0; t < task.tokens; ++t) {
    for (int p = 0; p < kPanels; ++p) {
      finish(load(sums + (t * kTilePanels + p) * kPanelRows), task, panel_index + p, t);
    }
  }
}

template <class Format>
void tiled(const QuantTask& task) {
  // The halves of a group already are two independent sums a token.
  constexpr int kTogether = Format::kTraits.halves ? 1 : kTilePanels;
  int64_t p = 0;
  for (; p + kTogether <= task.panels; p += kTogether) tiled_panels<Format, kTogether>(task, p);
  for (; p < task.panels; ++p) tiled_panels<Format, 1>(task, p);
}

template <class Format>
void add_format(LinearKernels& kernels) {
  kernels.fused[Format::kKind] = fused<Format>;
  kernels.tiled[Format::kKind] = tiled<Format>;
}

}  // namespace chasqui::backend::cpu::CHASQUI_ISA
