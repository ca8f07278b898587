// Attention over the quantised cache types. Scores: queries are rounded to bytes, one scale for 32
// dimensions, and multiplied with the keys' codes in integers; that is four times the rate of f32,
// which 8 query heads to a KV head would make the limit, not memory. Values: codes are widened to
// f32, their scales joined with the weights. Compiled once per instruction-set level.
#include "backend/cpu/internal/attention_tiles.h"
#include "backend/cpu/internal/signed_bytes.h"
#include "backend/cpu/kv_blocks.h"

namespace chasqui::backend::cpu::CHASQUI_ISA {

void add_block_attention(AttentionKernels& kernels);

namespace {

// One group of a query's dimensions; a tile is [groups][queries].
struct QueryBytes {
  int8_t q[kKvGroup];
  float scale;
  int32_t sum;
};
static_assert(sizeof(QueryBytes) <= kKvGroup * sizeof(float), "fits where floats would lie");

void pack_bytes(const PackTask& task) {
  for (int first = 0; first < task.count; first += task.tile) {
    const int n = task.count - first < task.tile ? task.count - first : task.tile;
    auto* to = reinterpret_cast<QueryBytes*>(task.to + first * task.key_dim);
    for (int64_t g = 0; g < task.key_dim / kKvGroup; ++g) {
      for (int i = 0; i < n; ++i, ++to) {
        const SignedBytes bytes = to_signed_bytes(task.rows[first + i] + g * kKvGroup, to->q);
        to->scale = bytes.scale;
        to->sum = bytes.low_sum + bytes.high_sum;
      }
    }
  }
}

template <class Blocks>
struct BlockScores {
  // Sums of a group in integers and of all groups in f32: half of the registers each.
  template <int Q>
  static constexpr int kBlocks = kWidth<2 * Q> < 4 ? kWidth<2 * Q> : 4;

  template <int Q, int B>
  static void run(const AttentionTile& tile, int block, int first, int last) {
    const int64_t groups = tile.key_dim / kKvGroup;
    const uint8_t* keys[B];
    const uint8_t* ahead[B];
    for (int b = 0; b < B; ++b) {
      keys[b] = tile.blocks[block + b];
      ahead[b] = keys_or_values(tile, block + B + b, first, last);
    }
    F32x16 acc[Q][B];
    for (int i = 0; i < Q; ++i) {
      for (int b = 0; b < B; ++b) acc[i][b] = zero();
    }
    const auto* q = static_cast<const QueryBytes*>(tile.q);
    for (int64_t g = 0; g < groups; ++g, q += Q) {
      const int64_t at = groups * kKvScaleBytes + g * kKvCodeBytes<Blocks>;
      const uint8_t* codes[B];
      F32x16 scales[B];
      for (int b = 0; b < B; ++b) {
        for (int64_t i = 0; i < kKvCodeBytes<Blocks>; i += 64) prefetch(ahead[b] + at + i);
        prefetch(ahead[b] + g * kKvScaleBytes);
        codes[b] = keys[b] + at;
        scales[b] = load_f16(reinterpret_cast<const uint16_t*>(keys[b] + g * kKvScaleBytes));
      }
      add_group<Q, B>(codes, scales, q, acc);
    }
    for (int i = 0; i < Q; ++i) {
      for (int b = 0; b < B; ++b) store_scores(tile, i, block + b, acc[i][b]);
    }
  }

  template <int Q, int B>
  static CHASQUI_INLINE void add_group(const uint8_t* const (&codes)[B], const F32x16 (&scales)[B],
                                       const QueryBytes* q, F32x16 (&acc)[Q][B]) {
    I32x16 dots[Q][B];
    CHASQUI_UNROLL
    for (int i = 0; i < Q; ++i) {
      for (int b = 0; b < B; ++b) dots[i][b] = iset1(-Blocks::kDotOffset * q[i].sum);
    }
    CHASQUI_UNROLL
    for (int u = 0; u < static_cast<int>(kKvGroup) / 4; ++u) {
      U8x64 k[B];
      for (int b = 0; b < B; ++b) k[b] = Blocks::keys(codes[b], u);
      CHASQUI_UNROLL
      for (int i = 0; i < Q; ++i) {
        const S8x64 quad = broadcast_quad(q[i].q + 4 * u);
        for (int b = 0; b < B; ++b) dots[i][b] = Blocks::dot(dots[i][b], k[b], quad);
      }
    }
    CHASQUI_UNROLL
    for (int i = 0; i < Q; ++i) {
      for (int b = 0; b < B; ++b) {
        acc[i][b] = fma(to_f32(dots[i][b]), mul(scales[b], set1(q[i].scale)), acc[i][b]);
      }
    }
  }
};

template <class Blocks>
struct BlockValues {
  template <int Q>
  static void run(const AttentionTile& tile, int query, int from, int to) {
    if (from >= to) return;
    for (int64_t g = 0; g < tile.value_padded / kKvGroup; ++g) {
      scale_weights<Q>(tile, query, g, from, to);
      add_group<Q>(tile, query, g, from, to);
    }
  }

  // tile.scaled = weights times the group's scales. Of blocks that are seen in part all lanes are
  // computed; add_group() reads the seen ones only.
  template <int Q>
  static void scale_weights(const AttentionTile& tile, int query, int64_t group, int from, int to) {
    const float* weights = tile.scores + query * kScoreStride;
    for (int t = from / 16 * 16; t < to; t += 16) {
      const uint8_t* values = tile.blocks[t >> 4] + tile.value_offset;
      const F32x16 scale =
          load_f16(reinterpret_cast<const uint16_t*>(values + group * kKvScaleBytes));
      for (int i = 0; i < Q; ++i) {
        store(tile.scaled + i * kScoreStride + t, mul(load(weights + i * kScoreStride + t), scale));
      }
    }
  }

  template <int Q>
  static void add_group(const AttentionTile& tile, int query, int64_t group, int from, int to) {
    constexpr int64_t kTokenBytes = 4 * Blocks::kUnits;
    const int64_t line = tile.value_padded;
    const int64_t groups = line / kKvGroup;
    const int64_t offset = groups * kKvScaleBytes + group * kKvCodeBytes<Blocks>;
    float* out = tile.out.acc + query * line + group * kKvGroup;
    F32x16 acc[Q][2];
    for (int i = 0; i < Q; ++i) {
      for (int c = 0; c < 2; ++c) acc[i][c] = load(out + i * line + c * 16);
    }
    for (int t = from; t < to;) {
      const int block = t >> 4;
      const int stop = (block + 1) * 16 < to ? (block + 1) * 16 : to;
      const uint8_t* ahead = values_or_next(tile, block + kBlocksAhead, (to + 15) >> 4);
      for (int64_t i = 0; i < kKvCodeBytes<Blocks>; i += 64) prefetch(ahead + offset + i);
      if (group == 0) prefetch(ahead);  // the scales of all groups
      const uint8_t* codes = tile.blocks[block] + tile.value_offset + offset;
      for (; t < stop; ++t) {
        const uint8_t* token = codes + (t & 15) * kTokenBytes;
        const F32x16 low = Blocks::values(token, 0);
        const F32x16 high = Blocks::values(token, 1);
        CHASQUI_UNROLL
        for (int i = 0; i < Q; ++i) {
          const F32x16 weight = set1(tile.scaled[i * kScoreStride + t]);
          acc[i][0] = fma(weight, low, acc[i][0]);
          acc[i][1] = fma(weight, high, acc[i][1]);
        }
      }
    }
    for (int i = 0; i < Q; ++i) {
      for (int c = 0; c < 2; ++c) store(out + i * line + c * 16, acc[i][c]);
    }
  }
};

}  // namespace

void add_block_attention(AttentionKernels& kernels) {
  kernels.pack[kKvQ8] = pack_bytes;
  kernels.pack[kKvQ4] = pack_bytes;
  kernels.score[kKvQ8] = score<BlockScores<Q8Blocks>>;
  kernels.score[kKvQ4] = score<BlockScores<Q4Blocks>>;
  kernels.gather[kKvQ8] = gather<BlockValues<Q8Blocks>>;
  kernels.gather[kKvQ4] = gather<BlockValues<Q4Blocks>>;
}

}  // namespace chasqui::backend::cpu::CHASQUI_ISA
