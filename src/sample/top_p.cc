// Nucleus sampling, arXiv:1904.09751: the shortest prefix of probability at least p.
#include "sample/internal/sampler.h"

namespace chasqui::sample {
namespace {

class TopP : public Sampler {
 public:
  explicit TopP(double p) : p_(p) {}

  void apply(Step& step) override {
    Candidates& candidates = step.candidates;
    candidates.keep(candidates.prefix_of_mass(p_ * candidates.total()));
  }

 private:
  const double p_;
};

}  // namespace

SamplerPtr make_top_p(const SamplingSpec& spec, const ChainContext&) {
  if (spec.top_p >= 1.0f) return nullptr;
  return std::make_unique<TopP>(spec.top_p);
}

}  // namespace chasqui::sample
