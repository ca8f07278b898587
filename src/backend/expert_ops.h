// The ops of mixtures of experts. Conventions: ops.h.
#pragma once

#include <cstdint>
#include <span>

#include "backend/matrix.h"

namespace chasqui::backend {

enum class ExpertGate {
  kSoftmax,          // probabilities over all experts, then the best
  kSigmoid,          // independent scores, then the best
  kSoftmaxOfChosen,  // the best logits, then probabilities over these
};
// `normalize` divides by the sum of the chosen weights, or by this when all of them are smaller
// still (the least normal half, as other engines do): the weights stay finite.
constexpr double kMinRouteWeightSum = 0x1p-14;

// Chooses `used` experts a row, best first; equal scores: the lower index first. With `groups`,
// only experts of the `groups_used` best groups are chosen, where a group of neighbours is worth
// the sum of its two best scores (arXiv:2412.19437, section 2.1.2).
struct RouteArgs {
  ExpertGate gate = ExpertGate::kSoftmax;
  Matrix logits;                          // [rows, experts]
  const float* selection_bias = nullptr;  // optional, [experts]: added for the choice only
  const float* expert_scale = nullptr;    // optional, [experts]: times each weight, at the end
  int64_t groups = 1;                     // divides experts
  int64_t groups_used = 1;                // their experts are no fewer than `used`
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

}  // namespace chasqui::backend
