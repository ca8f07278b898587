#include "sample/internal/sampler.h"

namespace chasqui::sample {
namespace {

class Grammar : public Sampler {
 public:
  explicit Grammar(TokenFilter& filter) : filter_(filter) {}
  void apply(Step& step) override { filter_.apply(step.logits); }
  void accept(int32_t token) override { filter_.accept(token); }

 private:
  TokenFilter& filter_;  // owned by the chain
};

}  // namespace

SamplerPtr make_grammar(const SamplingSpec&, const ChainContext& context) {
  if (!context.filter) return nullptr;
  return std::make_unique<Grammar>(*context.filter);
}

}  // namespace chasqui::sample
