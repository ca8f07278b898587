// min-p, arXiv:2407.01082: drops what is less than p times as likely as the best candidate. The
// best has weight 1, so no sum over the vocabulary is needed.
#include "sample/internal/sampler.h"

namespace chasqui::sample {
namespace {

class MinP : public Sampler {
 public:
  explicit MinP(float p) : p_(p) {}

  void apply(Step& step) override { step.candidates.keep_weight(p_); }

 private:
  const float p_;
};

}  // namespace

SamplerPtr make_min_p(const SamplingSpec& spec, const ChainContext&) {
  if (!(spec.min_p > 0.0f)) return nullptr;
  return std::make_unique<MinP>(spec.min_p);
}

}  // namespace chasqui::sample
