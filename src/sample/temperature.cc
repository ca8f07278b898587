#include "sample/internal/sampler.h"

namespace chasqui::sample {
namespace {

// Scales what is left and draws from it: the end of every chain that has not decided before.
class Temperature : public Sampler {
 public:
  explicit Temperature(float temperature) : temperature_(temperature) {}

  void apply(Step& step) override {
    step.candidates.set_temperature(temperature_);
    step.chosen = step.candidates.at_fraction(step.rng.uniform()).token;
  }

 private:
  const float temperature_;
};

}  // namespace

SamplerPtr make_temperature(const SamplingSpec& spec, const ChainContext&) {
  if (!(spec.temperature > 0)) return nullptr;
  return std::make_unique<Temperature>(spec.temperature);
}

}  // namespace chasqui::sample
