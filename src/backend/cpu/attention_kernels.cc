// Attention over float caches, and what does not depend on the cache's type. Compiled once per
// instruction-set level.
#include "backend/cpu/attention_kernels.h"

#include "backend/cpu/internal/attention_tiles.h"
#include "backend/cpu/kv_elements.h"
#include "backend/cpu/vector_math.h"

namespace chasqui::backend::cpu::CHASQUI_ISA {

AttentionKernels attention_kernels();
void add_block_attention(AttentionKernels& kernels);  // attention_block_kernels.cc

namespace {

// e^x for x <= 0, in half the instructions of exp(): no overflow, and results that would be
// subnormal are 0. NaN stays NaN. Same polynomial.
CHASQUI_INLINE F32x16 exp_nonpositive(F32x16 x) {
  const F32x16 bottom = set1(-87.336544f);
  const F32x16 inside = max(bottom, x);  // in this order NaN comes through
  const F32x16 n = round_nearest(mul(inside, set1(1.44269504088896341f)));
  F32x16 r = fnma(n, set1(0.693359375f), inside);
  r = fnma(n, set1(-2.12194440e-4f), r);
  F32x16 p = set1(1.9875691500e-4f);
  p = fma(p, r, set1(1.3981999507e-3f));
  p = fma(p, r, set1(8.3334519073e-3f));
  p = fma(p, r, set1(4.1665795894e-2f));
  p = fma(p, r, set1(1.6666665459e-1f));
  p = fma(p, r, set1(5.0000001201e-1f));
  p = add(fma(p, mul(r, r), r), set1(1.0f));
  p = mul(p, as_f32(shift_left<23>(iadd(to_i32(n), iset1(127)))));
  return select(less(x, bottom), zero(), p);
}

// Tile after tile, each [key_dim][queries of the tile].
void pack_floats(const PackTask& task) {
  float* to = task.to;
  for (int first = 0; first < task.count; first += task.tile) {
    const int n = task.count - first < task.tile ? task.count - first : task.tile;
    for (int i = 0; i < n; ++i) {
      const float* q = task.rows[first + i];
      for (int64_t d = 0; d < task.key_dim; ++d) to[d * n + i] = q[d];
    }
    to += n * task.key_dim;
  }
}

// Scores of Q queries with B blocks, of the visible [first, last).
template <class Element, int Q, int B>
void score_blocks(const AttentionTile& tile, int block, int first, int last) {
  using Bits = typename Element::Bits;
  const Bits* keys[B];
  const uint8_t* ahead[B];
  for (int b = 0; b < B; ++b) {
    keys[b] = reinterpret_cast<const Bits*>(tile.blocks[block + b]);
    ahead[b] = keys_or_values(tile, block + B + b, first, last);
  }
  F32x16 acc[Q][B];
  for (int i = 0; i < Q; ++i) {
    for (int b = 0; b < B; ++b) acc[i][b] = zero();
  }
  const auto* q = static_cast<const float*>(tile.q);
  const int64_t end = tile.key_dim * 16;
  const auto step = [&](int64_t d) __attribute__((always_inline)) {
    F32x16 k[B];
    for (int b = 0; b < B; ++b) k[b] = Element::load(keys[b] + d);
    for (int i = 0; i < Q; ++i) {
      const F32x16 qi = set1(q[i]);
      for (int b = 0; b < B; ++b) acc[i][b] = fma(qi, k[b], acc[i][b]);
    }
    q += Q;
  };
  constexpr int kSteps = 64 / (16 * sizeof(Bits));  // that use one cache line
  int64_t d = 0;
  for (; d + kSteps * 16 <= end; d += kSteps * 16) {
    for (int b = 0; b < B; ++b) prefetch(ahead[b] + d * static_cast<int64_t>(sizeof(Bits)));
    for (int i = 0; i < kSteps; ++i) step(d + i * 16);
  }
  for (; d < end; d += 16) step(d);
  for (int i = 0; i < Q; ++i) {
    for (int b = 0; b < B; ++b) store_scores(tile, i, block + b, acc[i][b]);
  }
}

template <class Element>
struct FloatScores {
  template <int Q>
  static constexpr int kBlocks = kWidth<Q>;
  template <int Q, int B>
  static void run(const AttentionTile& tile, int block, int first, int last) {
    score_blocks<Element, Q, B>(tile, block, first, last);
  }
};

void weigh(const AttentionTile& tile) {
  for (int i = 0; i < tile.queries; ++i) {
    float* scores = tile.scores + i * kScoreStride;
    const int first = tile.begin[i] / 16 * 16;
    const int end = tile.begin[i] < tile.end[i] ? tile.end[i] : first;
    F32x16 best = minus_infinity();
    for (int t = first; t < end; t += 16) best = max(best, load(scores + t));
    const float top = max_lane(best);
    F32x16 total = zero();
    for (int t = first; t < end; t += 16) {
      const F32x16 weight = exp_nonpositive(sub(load(scores + t), set1(top)));
      total = add(total, weight);
      store(scores + t, weight);
    }
    tile.out.max[i] = top;
    tile.out.sum[i] = sum(total);
  }
}

// Adds tokens [from, to) to C vectors of Q neighbouring queries' values, starting at `query` and
// `column`.
template <class Element, int Q, int C>
void gather_span(const AttentionTile& tile, int query, int64_t column, int from, int to) {
  using Bits = typename Element::Bits;
  const int64_t line = tile.value_padded;
  F32x16 acc[Q][C];
  float* out = tile.out.acc + query * line + column;
  for (int i = 0; i < Q; ++i) {
    for (int c = 0; c < C; ++c) acc[i][c] = load(out + i * line + c * 16);
  }
  const float* weights = tile.scores + query * kScoreStride;
  constexpr int64_t kBytes = sizeof(Bits);
  for (int t = from; t < to;) {
    const int block = t >> 4;
    const int stop = (block + 1) * 16 < to ? (block + 1) * 16 : to;
    const uint8_t* ahead = values_or_next(tile, block + kBlocksAhead, (to + 15) >> 4);
    const uint8_t* values = tile.blocks[block] + tile.value_offset;
    for (; t < stop; ++t) {
      const int64_t offset = ((t & 15) * line + column) * kBytes;
      for (int c = 0; c < C; c += 64 / (16 * kBytes)) prefetch(ahead + offset + c * 16 * kBytes);
      const Bits* at = reinterpret_cast<const Bits*>(values + offset);
      F32x16 v[C];
      for (int c = 0; c < C; ++c) v[c] = Element::load(at + c * 16);
      for (int i = 0; i < Q; ++i) {
        const F32x16 weight = set1(weights[i * kScoreStride + t]);
        for (int c = 0; c < C; ++c) acc[i][c] = fma(weight, v[c], acc[i][c]);
      }
    }
  }
  for (int i = 0; i < Q; ++i) {
    for (int c = 0; c < C; ++c) store(out + i * line + c * 16, acc[i][c]);
  }
}

// All columns of Q queries, C vectors at a time and the rest singly.
template <class Element, int Q>
void gather_rows(const AttentionTile& tile, int query, int from, int to) {
  if (from >= to) return;
  constexpr int kColumns = kWidth<Q> * 16;
  int64_t column = 0;
  for (; column + kColumns <= tile.value_padded; column += kColumns) {
    gather_span<Element, Q, kWidth<Q>>(tile, query, column, from, to);
  }
  for (; column < tile.value_padded; column += 16) {
    gather_span<Element, Q, 1>(tile, query, column, from, to);
  }
}

template <class Element>
struct FloatValues {
  template <int Q>
  static void run(const AttentionTile& tile, int query, int from, int to) {
    gather_rows<Element, Q>(tile, query, from, to);
  }
};

// Brings two partial results to their common maximum.
struct Rescale {
  float max;
  F32x16 first;
  F32x16 second;
};
inline Rescale rescale(float first, float second) {
  const float top = first > second ? first : second;
  return {top, exp_nonpositive(set1(first - top)), exp_nonpositive(set1(second - top))};
}

void merge(const AttentionSums& into, const AttentionSums& part, int64_t queries,
           int64_t value_padded) {
  for (int64_t i = 0; i < queries; ++i) {
    if (part.sum[i] == 0) continue;  // saw nothing of this partition
    float* to = into.acc + i * value_padded;
    const float* from = part.acc + i * value_padded;
    if (into.sum[i] == 0) {
      into.max[i] = part.max[i];
      into.sum[i] = part.sum[i];
      for (int64_t c = 0; c < value_padded; c += 16) store(to + c, load(from + c));
      continue;
    }
    const Rescale r = rescale(into.max[i], part.max[i]);
    into.max[i] = r.max;
    const F32x16 total = fma(set1(part.sum[i]), r.second, mul(set1(into.sum[i]), r.first));
    store_first(into.sum + i, total, 1);
    for (int64_t c = 0; c < value_padded; c += 16) {
      store(to + c, fma(load(from + c), r.second, mul(load(to + c), r.first)));
    }
  }
}

void finish(const AttentionSums& sums, const float* sink, int64_t value_dim, float* out) {
  F32x16 total = set1(sums.sum[0]);
  F32x16 factor = set1(1.0f);
  if (sink != nullptr) {
    const Rescale r = rescale(sums.max[0], sink[0]);
    factor = r.first;
    total = fma(total, r.first, r.second);
  }
  for (int64_t c = 0; c < value_dim; c += 16) {
    const int n = static_cast<int>(value_dim - c < 16 ? value_dim - c : 16);
    store_first(out + c, div(mul(load(sums.acc + c), factor), total), n);
  }
}

}  // namespace

AttentionKernels attention_kernels() {
  AttentionKernels kernels = {};
  kernels.tile_queries = kTileQueries;
  for (auto& pack : kernels.pack) pack = pack_floats;
  kernels.score[kKvF32] = score<FloatScores<F32Element>>;
  kernels.score[kKvF16] = score<FloatScores<F16Element>>;
  kernels.score[kKvBf16] = score<FloatScores<Bf16Element>>;
  kernels.weigh = weigh;
  kernels.gather[kKvF32] = gather<FloatValues<F32Element>>;
  kernels.gather[kKvF16] = gather<FloatValues<F16Element>>;
  kernels.gather[kKvBf16] = gather<FloatValues<Bf16Element>>;
  kernels.merge = merge;
  kernels.finish = finish;
  add_block_attention(kernels);
  return kernels;
}

}  // namespace chasqui::backend::cpu::CHASQUI_ISA
