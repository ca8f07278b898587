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

#include "backend/attention_ops.h"
#include "backend/expert_ops.h"
#include "backend/matrix.h"

namespace chasqui::backend {

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
  kL2,     // x / sqrt(sum(x^2) + eps) * weight (+ bias)
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
// Rotates `rotated` values of every head of every row, from value `first` on, in place.
// arXiv:2104.09864
struct RopeArgs {
  RopeKind kind = RopeKind::kNorm;
  Matrix x;  // [rows, heads * head_dim]
  int64_t head_dim = 0;
  int64_t first = 0;
  int64_t rotated = 0;             // even, first + rotated <= head_dim
  const float* cos_sin = nullptr;  // [rows, rotated / 2, 2]: the caller's table for these rows
};

enum class Activation {
  kSilu,
  kGelu,      // x times the normal distribution function             arXiv:1606.08415
  kGeluTanh,  // its approximation by tanh
  kGeluQuick,
  kRelu,
  kReluSquared,
  kSigmoid,
  kIdentity,  // so that gate and up are multiplied
  // Of gpt-oss: g sigmoid(1.702 g) (u + 1), with g = min(gate, 7) and u = up limited to -7 .. 7;
  // it needs `up`.
  kClampedSwiglu,
};

// out = act(gate) * up, or act(gate) when `up` has no data. May be in place (out == gate or
// out == up).
struct ActivationArgs {
  Activation kind = Activation::kSilu;
  Matrix gate;
  Matrix up;
  Matrix out;
};

// out = (a + b * b_scale) * scale element by element. May be in place (out == a).
struct AddArgs {
  Matrix a;
  Matrix b;
  float b_scale = 1.0f;
  float scale = 1.0f;
  Matrix out;
};

// x[r] *= factors[r * stride], in place; stride 0 is one factor for all rows.
struct ScaleRowsArgs {
  Matrix x;
  const float* factors = nullptr;
  int64_t stride = 1;
};

// to = from, element by element.
struct CopyArgs {
  Matrix from;
  Matrix to;
};

// out[i] = x[rows[i]].
struct GatherArgs {
  Matrix x;
  std::span<const int32_t> rows;
  Matrix out;
};

}  // namespace chasqui::backend
