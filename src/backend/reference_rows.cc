// The ops that treat each row, or each value, by itself.
#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>

#include "backend/internal/reference_backend.h"
#include "backend/op_checks.h"

namespace chasqui::backend {
namespace {

// Normalises n values; weight and bias already point at the first of them.
void norm_group(const NormArgs& args, const float* x, const float* weight, const float* bias,
                float* out) {
  double mean = 0;
  if (args.kind == NormKind::kLayer) {
    for (int64_t i = 0; i < args.group; ++i) mean += x[i];
    mean /= static_cast<double>(args.group);
  }
  double squares = 0;
  for (int64_t i = 0; i < args.group; ++i) squares += (x[i] - mean) * (x[i] - mean);
  const double terms = args.kind == NormKind::kL2 ? 1.0 : static_cast<double>(args.group);
  const double scale = 1.0 / std::sqrt(squares / terms + args.eps);
  for (int64_t i = 0; i < args.group; ++i) {
    double y = (x[i] - mean) * scale;
    if (weight != nullptr) y *= weight[i];
    if (bias != nullptr) y += bias[i];
    out[i] = static_cast<float>(y);
  }
}

double activate(Activation kind, double x) {
  switch (kind) {
    case Activation::kSilu:
      return x / (1 + std::exp(-x));
    case Activation::kGelu:
      // 1 + erf(z) = erfc(-z), which does not cancel.
      return x / 2 * std::erfc(-x / std::numbers::sqrt2);
    case Activation::kGeluTanh: {
      // 1 + tanh(u) = 2 / (1 + e^(-2u)), which does not cancel.
      const double u = std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x);
      return x / (1 + std::exp(-2 * u));
    }
    case Activation::kGeluQuick:
      return x / (1 + std::exp(-1.702 * x));
    case Activation::kRelu:
      return x > 0 ? x : 0;
    case Activation::kReluSquared:
      return x > 0 ? x * x : 0;
    case Activation::kSigmoid:
      return 1 / (1 + std::exp(-x));
    case Activation::kIdentity:
      return x;
    case Activation::kClampedSwiglu:
      x = std::min(x, 7.0);
      return x / (1 + std::exp(-1.702 * x));
  }
  return 0;
}

// What the activated gate is multiplied with.
double up_factor(Activation kind, double up) {
  return kind == Activation::kClampedSwiglu ? std::clamp(up, -7.0, 7.0) + 1 : up;
}

void softmax(std::vector<double>& values) {
  const double best = *std::max_element(values.begin(), values.end());
  double total = 0;
  for (double& value : values) total += value = std::exp(value - best);
  for (double& value : values) value /= total;
}

// What each expert's logit is worth before the choice.
std::vector<double> gate_scores(const RouteArgs& args, int64_t row) {
  const float* logits = args.logits.row(row);
  std::vector<double> scores(logits, logits + args.logits.cols);
  if (args.gate == ExpertGate::kSoftmax) softmax(scores);
  if (args.gate == ExpertGate::kSigmoid) {
    for (double& score : scores) score = 1 / (1 + std::exp(-score));
  }
  return scores;
}

// The `used` best of those that are not `taken`, best first. Compares with > only, so that the
// lower index wins a tie and a NaN still yields valid, distinct ids.
std::vector<int32_t> best_of(const std::vector<float>& keys, std::vector<bool> taken,
                             int64_t used) {
  std::vector<int32_t> chosen;
  while (static_cast<int64_t>(chosen.size()) < used) {
    size_t best = keys.size();
    for (size_t i = 0; i < keys.size(); ++i) {
      if (!taken[i] && (best == keys.size() || keys[i] > keys[best])) best = i;
    }
    taken[best] = true;
    chosen.push_back(static_cast<int32_t>(best));
  }
  return chosen;
}

// Which experts lie in groups that are not among the best.
std::vector<bool> outside_groups(const RouteArgs& args, const std::vector<float>& keys) {
  std::vector<bool> outside(keys.size(), false);
  if (args.groups == 1) return outside;
  const size_t size = keys.size() / static_cast<size_t>(args.groups);
  std::vector<float> worth;
  for (size_t begin = 0; begin < keys.size(); begin += size) {
    std::vector<float> group(keys.begin() + static_cast<std::ptrdiff_t>(begin),
                             keys.begin() + static_cast<std::ptrdiff_t>(begin + size));
    std::ranges::sort(group, std::greater<>());
    worth.push_back(size > 1 ? group[0] + group[1] : group[0]);
  }
  outside.assign(keys.size(), true);
  const std::vector<bool> none(worth.size(), false);
  for (const int32_t group : best_of(worth, none, args.groups_used)) {
    for (size_t i = 0; i < size; ++i) outside[static_cast<size_t>(group) * size + i] = false;
  }
  return outside;
}

// The `used` experts of the highest biased score.
std::vector<int32_t> choose(const RouteArgs& args, const std::vector<double>& scores) {
  std::vector<float> keys;
  for (size_t e = 0; e < scores.size(); ++e) {
    // Rounded as a backend in f32 sees it: else two scores that tie there would not tie here.
    const auto score = static_cast<float>(scores[e]);
    keys.push_back(args.selection_bias != nullptr ? score + args.selection_bias[e] : score);
  }
  return best_of(keys, outside_groups(args, keys), args.used);
}

}  // namespace

void ReferenceBackend::norm(const NormArgs& args) {
  check(args);
  for (int64_t r = 0; r < args.x.rows; ++r) {
    for (int64_t c = 0; c < args.x.cols; c += args.group) {
      const int64_t at = args.weight_per_column ? c : 0;
      norm_group(args, args.x.row(r) + c, args.weight != nullptr ? args.weight + at : nullptr,
                 args.bias != nullptr ? args.bias + at : nullptr, args.out.row(r) + c);
    }
  }
}

void ReferenceBackend::rope(const RopeArgs& args) {
  check(args);
  const int64_t half = args.rotated / 2;
  const bool neox = args.kind == RopeKind::kNeox;
  for (int64_t r = 0; r < args.x.rows; ++r) {
    for (int64_t c = args.first; c < args.x.cols; c += args.head_dim) {
      for (int64_t i = 0; i < half; ++i) {
        float& a = args.x.row(r)[c + (neox ? i : 2 * i)];
        float& b = args.x.row(r)[c + (neox ? i + half : 2 * i + 1)];
        const double cosine = args.cos_sin[(r * half + i) * 2];
        const double sine = args.cos_sin[(r * half + i) * 2 + 1];
        const double turned = a * cosine - b * sine;
        b = static_cast<float>(a * sine + b * cosine);
        a = static_cast<float>(turned);
      }
    }
  }
}

void ReferenceBackend::activation(const ActivationArgs& args) {
  check(args);
  for (int64_t r = 0; r < args.gate.rows; ++r) {
    for (int64_t c = 0; c < args.gate.cols; ++c) {
      double y = activate(args.kind, args.gate.row(r)[c]);
      if (args.up.data != nullptr) y *= up_factor(args.kind, args.up.row(r)[c]);
      args.out.row(r)[c] = static_cast<float>(y);
    }
  }
}

void ReferenceBackend::route_experts(const RouteArgs& args) {
  check(args);
  for (int64_t r = 0; r < args.logits.rows; ++r) {
    const std::vector<double> scores = gate_scores(args, r);
    const std::vector<int32_t> chosen = choose(args, scores);
    std::vector<double> weights;
    for (int32_t expert : chosen) weights.push_back(scores[static_cast<size_t>(expert)]);
    if (args.gate == ExpertGate::kSoftmaxOfChosen) softmax(weights);
    double sum = 0;
    for (double weight : weights) sum += weight;
    const double divisor = args.normalize ? std::max(sum, kMinRouteWeightSum) : 1.0;
    for (size_t s = 0; s < chosen.size(); ++s) {
      const auto at = r * args.used + static_cast<int64_t>(s);
      args.ids[at] = chosen[s];
      const double own = args.expert_scale != nullptr ? args.expert_scale[chosen[s]] : 1.0;
      args.weights[at] = static_cast<float>(weights[s] / divisor * args.scale * own);
    }
  }
}

}  // namespace chasqui::backend
