// How surprised a model is by a text, and how far its predictions lie from another model's.
// Sums are in double precision and in the order of the calls.
#pragma once

#include <cstdint>
#include <span>

namespace chasqui::app {

// A mean with its standard error.
class Mean {
 public:
  void add(double value);
  int64_t count() const { return count_; }
  double value() const;  // 0 before the first value
  double error() const;  // 0 before the second

 private:
  int64_t count_ = 0;
  double sum_ = 0;
  double squares_ = 0;
};

// The natural logarithm of the softmax of `logits` at `token`. REQUIRES: token < logits.size().
double log_probability(std::span<const float> logits, int32_t token);

// Perplexity: e to the mean of the negative log-probabilities of the tokens that came. Its error
// follows from the mean's to first order.
class Perplexity {
 public:
  void add(std::span<const float> logits, int32_t token) {
    mean_.add(-log_probability(logits, token));
  }
  int64_t count() const { return mean_.count(); }
  double value() const;
  double error() const { return value() * mean_.error(); }

 private:
  Mean mean_;
};

// Distance of a model from a base model, token by token.
class Divergence {
 public:
  // Logits of the two models at the same place; as long as each other.
  void add(std::span<const float> base, std::span<const float> logits);
  // Kullback-Leibler divergence: the mean of sum p_base * ln(p_base / p), in nats; 0 is equality.
  const Mean& nats() const { return nats_; }
  // How often both find the same token most likely: 0 to 1.
  const Mean& same_best() const { return same_best_; }

 private:
  Mean nats_;
  Mean same_best_;
};

}  // namespace chasqui::app
