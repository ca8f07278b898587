#include "sample/internal/sampler.h"

namespace chasqui::sample {
namespace {

class TopK : public Sampler {
 public:
  explicit TopK(size_t k) : k_(k) {}
  void apply(Step& step) override { step.candidates.keep(k_); }

 private:
  const size_t k_;
};

}  // namespace

SamplerPtr make_top_k(const SamplingSpec& spec, const ChainContext& context) {
  if (spec.top_k <= 0 || spec.top_k >= context.vocab_size) return nullptr;
  return std::make_unique<TopK>(static_cast<size_t>(spec.top_k));
}

}  // namespace chasqui::sample
