#include "sample/internal/sampler.h"

namespace chasqui::sample {
namespace {

class LogitBias : public Sampler {
 public:
  explicit LogitBias(std::vector<std::pair<int32_t, float>> bias) : bias_(std::move(bias)) {}

  void apply(Step& step) override {
    for (const auto& [token, bias] : bias_) step.logits[static_cast<size_t>(token)] += bias;
  }

 private:
  std::vector<std::pair<int32_t, float>> bias_;
};

}  // namespace

SamplerPtr make_logit_bias(const SamplingSpec& spec, const ChainContext& context) {
  std::vector<std::pair<int32_t, float>> bias;
  for (const auto& entry : spec.logit_bias) {
    // The edge refuses ids outside the vocabulary; this keeps a missed one harmless.
    if (entry.first >= 0 && entry.first < context.vocab_size) bias.push_back(entry);
  }
  if (bias.empty()) return nullptr;
  return std::make_unique<LogitBias>(std::move(bias));
}

}  // namespace chasqui::sample
