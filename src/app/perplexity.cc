#include "app/perplexity.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace chasqui::app {
namespace {

// The logarithm of the sum of e^logit.
double log_sum(std::span<const float> logits) {
  const double top = *std::ranges::max_element(logits);
  double sum = 0;
  for (const float logit : logits) sum += std::exp(logit - top);
  return top + std::log(sum);
}

}  // namespace

void Mean::add(double value) {
  ++count_;
  sum_ += value;
  squares_ += value * value;
}

double Mean::value() const {
  return count_ == 0 ? 0 : sum_ / static_cast<double>(count_);
}

double Mean::error() const {
  if (count_ < 2) return 0;
  const auto count = static_cast<double>(count_);
  const double variance = squares_ / count - value() * value();
  return std::sqrt(std::max(variance, 0.0) / (count - 1));
}

double log_probability(std::span<const float> logits, int32_t token) {
  return logits[static_cast<size_t>(token)] - log_sum(logits);
}

double Perplexity::value() const {
  return std::exp(mean_.value());
}

void Divergence::add(std::span<const float> base, std::span<const float> logits) {
  CHASQUI_CHECK(base.size() == logits.size(), "{} and {} logits", base.size(), logits.size());
  const double base_sum = log_sum(base);
  const double sum = log_sum(logits);
  double nats = 0;
  for (size_t i = 0; i < base.size(); ++i) {
    const double log_base = base[i] - base_sum;
    nats += std::exp(log_base) * (log_base - (logits[i] - sum));
  }
  nats_.add(nats);
  const auto best = [](std::span<const float> of) {
    return std::ranges::max_element(of) - of.begin();
  };
  same_best_.add(best(base) == best(logits) ? 1 : 0);
}

}  // namespace chasqui::app
