#include <algorithm>
#include <cmath>

#include "backend/cpu/cpu_ops.h"
#include "backend/cpu/elementwise_tasks.h"
#include "backend/op_checks.h"

namespace chasqui::backend::cpu {
namespace {

// Puts the `used` experts of the highest key into ids, best first. An expert moves up only past
// smaller keys, so the lower index wins a tie; whatever the keys are (NaN), ids are valid and
// distinct.
void choose(const RouteArgs& args, const float* scores, int32_t* ids) {
  const auto key = [&](int64_t e) {
    return args.selection_bias != nullptr ? scores[e] + args.selection_bias[e] : scores[e];
  };
  int64_t chosen = 0;
  for (int64_t e = 0; e < args.logits.cols; ++e) {
    if (chosen == args.used && !(key(e) > key(ids[chosen - 1]))) continue;
    if (chosen < args.used) ++chosen;
    int64_t at = chosen - 1;
    for (; at > 0 && key(e) > key(ids[at - 1]); --at) ids[at] = ids[at - 1];
    ids[at] = static_cast<int32_t>(e);
  }
}

// Makes the scores of experts that lie outside of the best groups lower than any other.
void exclude_groups(const RouteArgs& args, float* scores, float* worth) {
  const int64_t size = args.logits.cols / args.groups;
  for (int64_t g = 0; g < args.groups; ++g) {
    float best = -INFINITY, second = -INFINITY;
    for (int64_t e = g * size; e < (g + 1) * size; ++e) {
      const float bias = args.selection_bias != nullptr ? args.selection_bias[e] : 0.0f;
      const float key = scores[e] + bias;
      second = std::max(second, std::min(best, key));
      best = std::max(best, key);
    }
    worth[g] = size > 1 ? best + second : best;
  }
  for (int64_t g = 0; g < args.groups; ++g) {
    // How many come before it: a higher worth, or the same and a lower index.
    int64_t before = 0;
    for (int64_t other = 0; other < args.groups; ++other) {
      before += worth[other] > worth[g] || (worth[other] == worth[g] && other < g) ? 1 : 0;
    }
    if (before >= args.groups_used) std::fill_n(scores + g * size, size, -INFINITY);
  }
}

// `scores` holds the row's logits and is overwritten; as many more floats as groups follow.
void route_row(const RouteKernels& kernels, const RouteArgs& args, float* scores, int32_t* ids,
               float* weights) {
  float* worth = scores + args.logits.cols;
  if (args.gate == ExpertGate::kSoftmax) kernels.softmax(scores, args.logits.cols);
  if (args.gate == ExpertGate::kSigmoid) kernels.sigmoid(scores, args.logits.cols);
  if (args.groups > 1) exclude_groups(args, scores, worth);
  choose(args, scores, ids);
  for (int64_t s = 0; s < args.used; ++s) weights[s] = scores[ids[s]];
  if (args.gate == ExpertGate::kSoftmaxOfChosen) kernels.softmax(weights, args.used);
  double sum = 0;
  for (int64_t s = 0; s < args.used; ++s) sum += static_cast<double>(weights[s]);
  const double divisor = args.normalize ? std::max(sum, kMinRouteWeightSum) : 1.0;
  for (int64_t s = 0; s < args.used; ++s) {
    const double own = args.expert_scale != nullptr ? args.expert_scale[ids[s]] : 1.0;
    weights[s] = static_cast<float>(static_cast<double>(weights[s]) / divisor *
                                    static_cast<double>(args.scale) * own);
  }
}

}  // namespace

void route_experts(CpuContext& context, const RouteArgs& args) {
  check(args);
  const int64_t rows = args.logits.rows;
  const int64_t width = args.logits.cols + args.groups;  // scores, and what groups are worth
  auto* scores = reinterpret_cast<float*>(
      context.route.reserve(static_cast<size_t>(rows * width) * sizeof(float)));
  for_rows(context.team, rows, args.logits.cols, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      float* row = scores + r * width;
      std::copy_n(args.logits.row(r), args.logits.cols, row);
      route_row(context.kernels.route, args, row, args.ids + r * args.used,
                args.weights + r * args.used);
    }
  });
}

void combine_experts(CpuContext& context, const CombineArgs& args) {
  check(args);
  const auto kernel = context.kernels.elementwise.weighted_sum;
  for_rows(context.team, args.out.rows, args.y.cols * args.used, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      kernel(args.y.row(r * args.used), args.y.stride, args.weights + r * args.used, args.used,
             args.out.row(r), args.out.cols);
    }
  });
}

}  // namespace chasqui::backend::cpu
