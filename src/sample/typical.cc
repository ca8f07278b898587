// Locally typical sampling, arXiv:2202.00666: keeps the tokens whose surprise is closest to the
// entropy until their probability exceeds p.
#include <algorithm>
#include <cmath>

#include "sample/internal/math.h"
#include "sample/internal/sampler.h"

namespace chasqui::sample {
namespace {

struct Scored {
  Candidate candidate;
  double distance = 0;  // of the surprise from the entropy, in nats
  double weight = 0;
};

bool more_typical(const Scored& a, const Scored& b) {
  return a.distance != b.distance ? a.distance < b.distance : better(a.candidate, b.candidate);
}

class Typical : public Sampler {
 public:
  explicit Typical(double p) : p_(p) {}

  void apply(Step& step) override {
    Candidates& candidates = step.candidates;
    const double total = score(candidates);
    std::vector<Candidate> kept;
    for (const Scored& s : typical_prefix(p_ * total)) kept.push_back(s.candidate);
    std::sort(kept.begin(), kept.end(), better);
    candidates.replace(std::move(kept));
  }

 private:
  // Fills scored_; returns the sum of the weights.
  double score(Candidates& candidates) {
    const float best = candidates.front().logit;
    double total = 0, mean = 0;
    scored_.clear();
    for (const Candidate& c : candidates.unordered()) {
      const double w = candidates.weight(c);
      if (w <= 0) continue;
      scored_.push_back({c, 0, w});
      total += w;
      mean += w * (c.logit - best);
    }
    // Surprise is log(total) - (logit - best), entropy is its mean: log(total) cancels.
    mean /= total;
    for (Scored& s : scored_) s.distance = std::abs(mean - (s.candidate.logit - best));
    return total;
  }

  // The most typical ones whose weights exceed `mass`; all when rounding keeps the sum below.
  std::span<const Scored> typical_prefix(double mass) {
    double sum = 0;
    size_t i = 0;
    for (size_t look = 64;; look *= 4) {
      look = std::min(look, scored_.size());
      const auto end = scored_.begin() + static_cast<ptrdiff_t>(look);
      const auto begin = scored_.begin() + static_cast<ptrdiff_t>(i);
      if (end != scored_.end()) std::nth_element(begin, end, scored_.end(), more_typical);
      std::sort(begin, end, more_typical);
      for (; i < look; ++i) {
        sum += scored_[i].weight;
        if (sum > mass) return std::span<const Scored>(scored_).first(i + 1);
      }
      if (look == scored_.size()) return scored_;
    }
  }

  const double p_;
  std::vector<Scored> scored_;
};

}  // namespace

SamplerPtr make_typical(const SamplingSpec& spec, const ChainContext&) {
  if (spec.typical_p >= 1.0f) return nullptr;
  return std::make_unique<Typical>(spec.typical_p);
}

}  // namespace chasqui::sample
