// The operations of recurrent layers, which remember a sequence in a state of fixed size instead of
// in keys and values. Conventions and determinism as in ops.h; carried out by a Backend.
//
// States. A StatePool (backend.h) holds the states of one layer. Which state belongs to whom is
// said by the block tables of the slices, as for keys and values, but each block is one state:
// block_table[b] is where the state after the last token in block b is written, that is after
// position min(end of the slice, (b + 1) * kKvBlockTokens) - 1. A slice reads the state of the
// block with position kv_begin - 1, or begins with zeros where kv_begin is 0. So the state of a
// full block is the state after exactly its last token, and a slice that begins with a new block
// leaves the one before as it was. Blocks that are -1 from kv_begin's block on are not wanted, and
// nothing is written for them; the entry of the last position must be a state. Rows are taken in
// order one by one, so a state does not depend on how a prompt was cut.
#pragma once

#include <cstdint>
#include <span>

#include "backend/attention_ops.h"
#include "backend/matrix.h"

namespace chasqui::backend {

class StatePool;

// The part of a layer's states that one op owns: floats [begin, begin + its size).
struct StatePart {
  StatePool* pool = nullptr;
  int64_t begin = 0;
};

// A causal convolution over the rows of each sequence, for every column by itself:
// out[p] = sum over t < taps of weight[t] * x[p - taps + 1 + t], in that order; x before the
// sequence is 0. The state: the last taps - 1 rows of x, [taps - 1, cols], oldest first.
struct ConvUpdateArgs {
  Matrix x;
  int64_t taps = 0;               // 1 .. kMaxConvTaps
  const float* weight = nullptr;  // [taps, x.cols]
  StatePart state;
  std::span<const SequenceSlice> slices;
  Matrix out;
};
constexpr int64_t kMaxConvTaps = 16;

// Which key head a value head of the delta rule reads, where there are fewer.
enum class KeySharing {
  kGrouped,  // h / (value_heads / key_heads): neighbours share
  kTiled,    // h % key_heads
};

// Gates of a head: two values a row. That of value head h is in column
// h / run * stride + h % run, which covers projections that keep the gates of a key head together.
struct GateColumns {
  Matrix x;  // [rows, at least that many]
  int64_t run = 0;
  int64_t stride = 0;

  float at(int64_t row, int64_t head) const { return x.row(row)[head / run * stride + head % run]; }
};

// The gated delta rule, arXiv:2412.06464. Each value head has a state S, [key_dim, value_dim] f32,
// which each row with key k, value v and query q turns into
//   S := g S,  S := S + k (b (v - S^T k))^T,  out = scale * S^T q
// with g = exp(decay * softplus(alpha + dt_bias)) and b = 1 / (1 + exp(-beta)).
struct DeltaRuleArgs {
  Matrix q;  // [rows, key_heads * key_dim], normalised by the caller
  Matrix k;  // the same
  Matrix v;  // [rows, value_heads * value_dim]
  GateColumns alpha;
  GateColumns beta;
  const float* dt_bias = nullptr;  // [value_heads]
  const float* decay = nullptr;    // [value_heads], negative
  int64_t key_heads = 0;
  int64_t value_heads = 0;  // a multiple of key_heads
  KeySharing sharing = KeySharing::kGrouped;
  float scale = 1.0f;
  StatePart state;  // [value_heads, key_dim, value_dim]
  std::span<const SequenceSlice> slices;
  Matrix out;  // [rows, value_heads * value_dim]
};
constexpr int64_t kMaxDeltaKeyDim = 512;

}  // namespace chasqui::backend
