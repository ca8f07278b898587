#include "sample/internal/sampler.h"

namespace chasqui::sample {
namespace {

class Greedy : public Sampler {
 public:
  void apply(Step& step) override { step.chosen = step.candidates.front().token; }
};

}  // namespace

// `!(> 0)` so that NaN, which no edge should let through, is greedy too and not undefined.
SamplerPtr make_greedy(const SamplingSpec& spec, const ChainContext&) {
  if (spec.temperature > 0) return nullptr;
  return std::make_unique<Greedy>();
}

}  // namespace chasqui::sample
