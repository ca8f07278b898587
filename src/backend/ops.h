// The operations that a model is made of, as plain argument structs. A Backend (backend.h)
// carries them out; the layers of model/ name them in order.
//
// Conventions. Activations are f32, row-major, one row a token; `Matrix` points into memory that
// the backend allocated. `rows` of every operand of one op agree. Outputs do not overlap inputs
// unless an op says "in place". Pointers marked optional may be null.
//
// Determinism, binding for every backend: an output row depends only on its own inputs, never on
// the other rows of the call, on how a prompt was cut into calls, or on the number of threads. For
// each output element the order of accumulation is fixed.
#pragma once

#include <cstdint>
#include <span>

#include "tensor/dtype.h"

namespace chasqui::backend {

class Weight;
class KvPool;

// [rows, cols] f32; row r starts at data + r * stride.
struct Matrix {
  float* data = nullptr;
  int64_t rows = 0;
  int64_t cols = 0;
  int64_t stride = 0;

  float* row(int64_t r) const { return data + r * stride; }
};

inline Matrix dense(float* data, int64_t rows, int64_t cols) {
  return {data, rows, cols, cols};
}

// out[r] = table[ids[r]] * scale. Ids were checked by the caller.
struct EmbedArgs {
  const Weight* table = nullptr;  // [vocabulary rows, hidden cols]
  std::span<const int32_t> ids;
  float scale = 1.0f;
  Matrix out;  // [ids, hidden]
};

// y = x W^T + bias for each of several weights that read the same x (Q, K and V; gate and up):
// x is prepared (quantised) once and all products are one parallel loop.
struct LinearTarget {
  const Weight* weight = nullptr;  // [y.cols rows, x.cols cols]
  const float* bias = nullptr;     // optional, [y.cols]
  Matrix y;
};
struct LinearArgs {
  Matrix x;
  std::span<const LinearTarget> targets;
};

enum class NormKind {
  kRms,    // x / sqrt(mean(x^2) + eps) * weight (+ bias)          arXiv:1910.07467
  kLayer,  // (x - mean) / sqrt(var + eps) * weight + bias         arXiv:1607.06450
  kL2,     // x / max(sqrt(sum(x^2)), eps) * weight (+ bias)
};
// Normalises groups of `group` neighbouring values of each row (a whole row, or one head for
// q/k norm). May be in place (out == x). Sums in double precision or better than naive f32.
struct NormArgs {
  NormKind kind = NormKind::kRms;
  Matrix x;
  int64_t group = 0;              // divides x.cols
  const float* weight = nullptr;  // optional, [group], or [x.cols] when weight_per_column
  const float* bias = nullptr;    // optional, same shape as weight
  bool weight_per_column = false;
  float eps = 1e-5f;
  Matrix out;
};

enum class RopeKind {
  kNorm,  // rotates neighbours (2i, 2i + 1)
  kNeox,  // rotates halves (i, i + rotated / 2)
};
// Rotates the first `rotated` values of every head of every row, in place. arXiv:2104.09864
struct RopeArgs {
  RopeKind kind = RopeKind::kNorm;
  Matrix x;  // [rows, heads * head_dim]
  int64_t head_dim = 0;
  int64_t rotated = 0;             // even, <= head_dim
  const float* cos_sin = nullptr;  // [rows, rotated / 2, 2]: the caller's table for these rows
};

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

enum class Activation {
  kSilu,
  kGelu,
  kGeluTanh,
  kGeluQuick,
  kRelu,
  kReluSquared,
  kSigmoid,
  kIdentity,
};

// out = act(gate) * up, or act(gate) when `up` has no data. May be in place (out == gate).
struct ActivationArgs {
  Activation kind = Activation::kSilu;
  Matrix gate;
  Matrix up;
  Matrix out;
};

// out = (a + b) * scale element by element. May be in place (out == a).
struct AddArgs {
  Matrix a;
  Matrix b;
  float scale = 1.0f;
  Matrix out;
};

enum class ExpertGate {
  kSoftmax,          // probabilities over all experts, then the best
  kSigmoid,          // independent scores, then the best
  kSoftmaxOfChosen,  // the best logits, then probabilities over these
};
// `normalize` divides by the sum of the chosen weights, or by this when all of them are smaller
// still (the least normal half, as other engines do): the weights stay finite.
constexpr double kMinRouteWeightSum = 0x1p-14;

// Chooses `used` experts a row, best first; equal scores: the lower index first.
struct RouteArgs {
  ExpertGate gate = ExpertGate::kSoftmax;
  Matrix logits;                          // [rows, experts]
  const float* selection_bias = nullptr;  // optional, [experts]: added for the choice only
  int64_t used = 0;
  bool normalize = false;  // weights of the chosen sum to 1
  float scale = 1.0f;
  int32_t* ids = nullptr;    // out, [rows, used]
  float* weights = nullptr;  // out, [rows, used]
};

// y[r * used + s] = x[...] W[ids[r, s]]^T + bias[ids[r, s]]; x has one row a token
// (x.rows == tokens) or one row a slot (x.rows == tokens * used).
struct ExpertTarget {
  const Weight* weight = nullptr;  // weight->experts() matrices of [y.cols, x.cols]
  const float* bias = nullptr;     // optional, [experts, y.cols]
  Matrix y;                        // [tokens * used, out]
};
struct ExpertLinearArgs {
  Matrix x;
  std::span<const ExpertTarget> targets;
  int64_t tokens = 0;
  int64_t used = 0;
  const int32_t* ids = nullptr;  // [tokens, used]
};

// out[r] = sum over s, in order, of weights[r, s] * y[r * used + s].
struct CombineArgs {
  Matrix y;
  const float* weights = nullptr;
  int64_t used = 0;
  Matrix out;
};

// out[i] = x[rows[i]].
struct GatherArgs {
  Matrix x;
  std::span<const int32_t> rows;
  Matrix out;
};

}  // namespace chasqui::backend
