#include <limits>

#include "sample/internal/candidates.h"
#include "sample/internal/math.h"
#include "sample/sampler_chain.h"

namespace chasqui::sample {

Sampled log_probabilities(std::span<const float> logits, int32_t token, int top) {
  constexpr float kImpossible = -std::numeric_limits<float>::infinity();
  Candidates candidates;
  candidates.reset(logits);
  Sampled result;
  result.token = token;
  result.logprob = kImpossible;
  if (candidates.empty()) return result;

  const double normaliser = candidates.front().logit + log_real(candidates.total());
  const auto logprob = [&](float logit) {
    return logit > kImpossible ? static_cast<float>(logit - normaliser) : kImpossible;
  };
  if (token >= 0 && static_cast<size_t>(token) < logits.size()) {
    result.logprob = logprob(logits[static_cast<size_t>(token)]);
  }
  if (top > 0) {
    for (const Candidate& c : candidates.best(static_cast<size_t>(top))) {
      result.top.push_back({c.token, logprob(c.logit)});
    }
  }
  return result;
}

}  // namespace chasqui::sample
