// Tail-free sampling: cuts where the curvature of the sorted probabilities has used up the
// share z of its total (Phénix and Egan, trentbrick.github.io/Tail-Free-Sampling).
#include <cmath>

#include "sample/internal/math.h"
#include "sample/internal/sampler.h"

namespace chasqui::sample {
namespace {

// Candidates below this share of the best one's weight are not looked at: the second differences
// of a falling sequence from rank i on add up to at most 2 p_i, so they move the normalised
// curvature by about 2e-7 at most, and the vocabulary's tail need not be sorted. (The two behind
// the border still belong to differences that begin before it.)
constexpr float kNegligible = 1e-7f;

class TailFree : public Sampler {
 public:
  explicit TailFree(double z) : z_(z) {}

  void apply(Step& step) override {
    Candidates& candidates = step.candidates;
    const auto seen = candidates.best(candidates.prefix_of_weight(kNegligible) + 2);
    if (seen.size() <= 2) return;
    // Second differences cancel almost everything in a flat distribution: doubles, or their sum
    // would be rounding noise.
    weights_.clear();
    for (const Candidate& c : seen)
      weights_.push_back(exp_real(static_cast<double>(c.logit) - seen[0].logit));
    curvature_.clear();
    double sum = 0;
    for (size_t i = 0; i + 2 < seen.size(); ++i) {
      curvature_.push_back(std::abs(weights_[i] - 2 * weights_[i + 1] + weights_[i + 2]));
      sum += curvature_.back();
    }
    if (!(sum > 0)) return;  // equally likely, or a straight line: there is no tail
    double used = 0;
    for (size_t i = 0; i < curvature_.size(); ++i) {
      used += curvature_[i];
      if (used > z_ * sum && i >= 1) return candidates.keep(i);
    }
  }

 private:
  const double z_;
  std::vector<double> weights_, curvature_;
};

}  // namespace

SamplerPtr make_tail_free(const SamplingSpec& spec, const ChainContext&) {
  if (spec.tfs_z >= 1.0f) return nullptr;
  return std::make_unique<TailFree>(spec.tfs_z);
}

}  // namespace chasqui::sample
