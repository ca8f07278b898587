// Kernels of attention: one tile of queries against one partition of the KV range.
//
// Determinism. A score is one chain of fused multiply-adds over the key's dimensions, in its own
// lane. The sum of a row's weights adds per lane over the blocks, then across lanes; a value is
// one chain over the tokens in order. A row only ever uses the tokens that it sees: lanes and rows
// outside [begin, end) are replaced or skipped, never multiplied by zero, so whatever they hold
// (another sequence's leftovers, NaN) cannot reach the result. Hence the bits of a row's partial
// result depend on the row, its cache and the partition's border alone: not on the tile's other
// rows, nor on the tile's size, which differs between levels. With quantised keys a score is a sum
// of integers for each group of 32 dimensions, and a chain over the groups.
#pragma once

#include <stdint.h>

#include "backend/cpu/kv_pool_kernels.h"

namespace chasqui::backend::cpu {

// The KV range is cut at multiples of this. Results depend on it: changing it changes the last bits
// of every model's output. 256 tokens of 128-wide f16 keys and values are 128 KiB, which stays in
// the second-level cache of every machine of interest while all queries of a task pass over it;
// combining partial results costs about 1 % of the work at this size.
constexpr int kPartitionTokens = 256;
constexpr int kPartitionBlocks = kPartitionTokens / 16;

// Scores of one query; the odd 16 keep rows of a tile off each other's cache sets.
constexpr int kScoreStride = kPartitionTokens + 16;

constexpr int kMaxTileQueries = 8;

// Partial or final results of some queries: softmax numerator and denominator relative to `max`.
// A query that has seen no token has sum 0.
struct AttentionSums {
  float* max;  // [queries]
  float* sum;  // [queries]
  float* acc;  // [queries][value_padded]
};

// Query i of a tile is one head of one row; all read the same KV head.
struct AttentionTile {
  int queries;    // 1 .. tile_queries
  const void* q;  // the tile's part of what pack() wrote
  int64_t key_dim;
  int64_t value_padded;          // multiple of 16
  int64_t value_offset;          // bytes from a block's keys to its values
  const uint8_t* const* blocks;  // keys of the KV head in each block of the partition; entries of
                                 // blocks that no query sees are not read
  const uint8_t* const* next;    // [next_count] keys of the blocks needed afterwards, to prefetch
  int next_count;
  const int32_t* begin;  // [queries] first token seen, relative to the partition
  const int32_t* end;    // [queries] one past the last; end == begin sees none
  float scale;
  float softcap;  // 0: none
  float* scores;  // scratch, [queries][kScoreStride]
  float* scaled;  // the same, for weights times the scales of quantised values
  AttentionSums out;
};

// Queries in the form that score() reads, tile after tile.
struct PackTask {
  const float* const* rows;  // [count] queries of key_dim values
  int count;
  int tile;  // queries of a tile; the last has what is left
  int64_t key_dim;
  float* to;  // [count * key_dim]; a tile that begins with query i lies at to + i * key_dim, and
              // may use less than that
};

struct AttentionKernels {
  int tile_queries;  // the largest tile of this level
  // By the keys' type: floats, [key_dim][queries] a tile; for quantised keys bytes.
  void (*pack[kKvElements])(const PackTask& task);
  // In this order: scores of all visible tokens; weights, out.max and out.sum; out.acc.
  void (*score[kKvElements])(const AttentionTile& tile);
  void (*weigh)(const AttentionTile& tile);
  void (*gather[kKvElements])(const AttentionTile& tile);
  // into = into and part together, per query; `part` belongs to later tokens.
  void (*merge)(const AttentionSums& into, const AttentionSums& part, int64_t queries,
                int64_t value_padded);
  // out[0, value_dim) = acc / sum of one query; `sink`, when given, joins the sum first.
  void (*finish)(const AttentionSums& sums, const float* sink, int64_t value_dim, float* out);
};

}  // namespace chasqui::backend::cpu
