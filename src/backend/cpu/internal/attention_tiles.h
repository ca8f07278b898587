// What the attention kernels of all cache types share: register tiles, masks, prefetching, and the
// walk over blocks and queries. Included by kernel files only.
//
// Register tiles: Q queries times B blocks of scores, or Q queries times C vectors of values, sized
// so that the accumulators, one operand for each of B or C and one broadcast fit the level's
// registers.
#pragma once

#include "backend/cpu/attention_kernels.h"
#include "backend/cpu/vector_math.h"

namespace chasqui::backend::cpu::CHASQUI_ISA {

#if defined(__AVX512F__)
constexpr int kAccumulators = 16;  // of 32 registers; 8 chains already hide the latency of an FMA
constexpr int kTileQueries = 8;
#else
constexpr int kAccumulators = 6;  // pairs of the 16 registers
constexpr int kTileQueries = 6;
#endif
static_assert(kTileQueries <= kMaxTileQueries);

// Vectors for each of Q queries: few queries take more, to have enough independent chains.
template <int Q>
constexpr int kWidth = kAccumulators / Q < 1   ? 1
                       : kAccumulators / Q < 8 ? kAccumulators / Q
                                               : 8;

CHASQUI_INLINE F32x16 minus_infinity() {
  return as_f32(iset1(static_cast<int32_t>(0xff800000)));
}

// Union and intersection of the token ranges of a tile's queries; a query that sees nothing makes
// the intersection empty.
struct Spans {
  int first = kPartitionTokens;
  int last = 0;
  int common_begin = 0;
  int common_end = kPartitionTokens;
};

inline Spans spans(const AttentionTile& tile) {
  Spans s;
  for (int i = 0; i < tile.queries; ++i) {
    if (tile.begin[i] < tile.end[i]) {
      s.first = tile.begin[i] < s.first ? tile.begin[i] : s.first;
      s.last = tile.end[i] > s.last ? tile.end[i] : s.last;
    }
    s.common_begin = tile.begin[i] > s.common_begin ? tile.begin[i] : s.common_begin;
    s.common_end = tile.end[i] < s.common_end ? tile.end[i] : s.common_end;
  }
  return s;
}

// Scales, caps and masks the scores of one query with one block, and stores them.
CHASQUI_INLINE void store_scores(const AttentionTile& tile, int query, int block, F32x16 s) {
  s = mul(s, set1(tile.scale));
  if (tile.softcap > 0) {
    s = mul(set1(tile.softcap), tanh(div(s, set1(tile.softcap))));
  }
  const int begin = tile.begin[query] - block * 16;
  const int end = tile.end[query] - block * 16;
  if (begin > 0) s = select(first_lanes(begin < 16 ? begin : 16), minus_infinity(), s);
  if (end < 16) s = select(first_lanes(end > 0 ? end : 0), s, minus_infinity());
  store(tile.scores + query * kScoreStride + block * 16, s);
}

// Where the data lies that is needed after `block` of the tile's stream: keys of the visible blocks
// [first, last), then their values, then the keys of the next partition. Blocks lie anywhere, so
// the hardware does not see them coming.
CHASQUI_INLINE const uint8_t* keys_or_values(const AttentionTile& tile, int block, int first,
                                             int last) {
  if (block < last) return tile.blocks[block];
  const int again = block - last + first;
  return tile.blocks[again < last ? again : last - 1] + tile.value_offset;
}
CHASQUI_INLINE const uint8_t* values_or_next(const AttentionTile& tile, int block, int last) {
  if (block < last) return tile.blocks[block] + tile.value_offset;
  const int next = block - last;
  return next < tile.next_count ? tile.next[next] : tile.blocks[last - 1];
}

// How far ahead values are prefetched: 64 tokens take some 300 ns, memory answers within 150.
constexpr int kBlocksAhead = 4;

// Scores of all visible blocks, kBlocks at a time and the rest singly. Scores::run<Q, B>(tile,
// block, first, last) does B of them.
template <class Scores, int Q>
void score_queries(const AttentionTile& tile) {
  const Spans s = spans(tile);
  const int last = (s.last + 15) / 16;
  const int first = s.first / 16;
  int block = first;
  constexpr int kBlocks = Scores::template kBlocks<Q>;
  for (; block + kBlocks <= last; block += kBlocks) {
    Scores::template run<Q, kBlocks>(tile, block, first, last);
  }
  for (; block < last; ++block) Scores::template run<Q, 1>(tile, block, first, last);
}

// Tokens that all queries see are taken together; those before and after, which some do not see
// (at the diagonal and at a window's edge), query by query. Each query's order stays ascending.
// Values::run<Q>(tile, query, from, to) adds tokens [from, to) to Q queries from `query` on.
template <class Values, int Q>
void gather_queries(const AttentionTile& tile) {
  const F32x16 none = zero();
  for (int64_t at = 0; at < Q * tile.value_padded; at += 16) store(tile.out.acc + at, none);
  const Spans s = spans(tile);
  const bool together = s.common_begin < s.common_end;
  const int begin = together ? s.common_begin : kPartitionTokens;
  const int end = together ? s.common_end : kPartitionTokens;
  for (int i = 0; i < Q; ++i) {
    Values::template run<1>(tile, i, tile.begin[i], tile.end[i] < begin ? tile.end[i] : begin);
  }
  Values::template run<Q>(tile, 0, begin, end);
  for (int i = 0; i < Q; ++i) Values::template run<1>(tile, i, end, tile.end[i]);
}

// One instance for each number of queries that a tile of this level may have.
template <int Q>
constexpr int kUpTo = Q < kTileQueries ? Q : kTileQueries;

template <class Scores>
void score(const AttentionTile& tile) {
  using Run = void (*)(const AttentionTile&);
  constexpr Run kRuns[] = {score_queries<Scores, kUpTo<1>>, score_queries<Scores, kUpTo<2>>,
                           score_queries<Scores, kUpTo<3>>, score_queries<Scores, kUpTo<4>>,
                           score_queries<Scores, kUpTo<5>>, score_queries<Scores, kUpTo<6>>,
                           score_queries<Scores, kUpTo<7>>, score_queries<Scores, kUpTo<8>>};
  kRuns[tile.queries - 1](tile);
}

template <class Values>
void gather(const AttentionTile& tile) {
  using Run = void (*)(const AttentionTile&);
  constexpr Run kRuns[] = {gather_queries<Values, kUpTo<1>>, gather_queries<Values, kUpTo<2>>,
                           gather_queries<Values, kUpTo<3>>, gather_queries<Values, kUpTo<4>>,
                           gather_queries<Values, kUpTo<5>>, gather_queries<Values, kUpTo<6>>,
                           gather_queries<Values, kUpTo<7>>, gather_queries<Values, kUpTo<8>>};
  kRuns[tile.queries - 1](tile);
}

}  // namespace chasqui::backend::cpu::CHASQUI_ISA
