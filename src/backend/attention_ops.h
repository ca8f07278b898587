// The ops on the KV cache. Conventions: ops.h.
#pragma once

#include <cstdint>
#include <span>

#include "backend/matrix.h"

namespace chasqui::backend {

// A run of neighbouring rows that belong to one sequence.
struct SequenceSlice {
  int64_t row_begin = 0;
  int64_t row_count = 0;
  int64_t kv_begin = 0;                  // cache index (position) of the first row
  std::span<const int32_t> block_table;  // blocks of the sequence; index i lives in block
                                         // block_table[i / kKvBlockTokens]
};

// Tokens in a block of the KV cache; also the width of the attention kernels' score tiles.
constexpr int64_t kKvBlockTokens = 16;

// Writes keys and values of the rows into the cache at kv_begin, kv_begin + 1, ...
struct StoreKvArgs {
  Matrix k;  // [rows, kv_heads * key_dim], rotated
  Matrix v;  // [rows, kv_heads * value_dim]
  KvPool* pool = nullptr;
  std::span<const SequenceSlice> slices;
};

// out = softmax(scale * q k^T + mask) v over the cached positions of the row's own sequence; query
// head h reads KV head h / (heads / kv_heads). The KV range is split at fixed positions and the
// parts are combined in order, so results do not depend on how the work was divided.
struct AttentionArgs {
  Matrix q;    // [rows, heads * key_dim]
  Matrix out;  // [rows, heads * value_dim]
  const KvPool* pool = nullptr;
  std::span<const SequenceSlice> slices;
  int64_t heads = 0;
  float scale = 1.0f;
  float softcap = 0.0f;          // > 0: scores become cap * tanh(score / cap) before the mask
  int64_t window = 0;            // > 0: a row at position p sees (p - window, p]
  bool causal = true;            // false: every row sees the whole sequence (encoders), that is
                                 // [0, kv_begin + row_count), or (p - window, p + window) of it
  const float* sinks = nullptr;  // optional, [heads]: one more logit in each softmax, no value
};

}  // namespace chasqui::backend
