#include "app/perplexity.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace chasqui::app {
namespace {

TEST(Mean, HasTheStandardErrorOfTheMean) {
  Mean mean;
  EXPECT_EQ(mean.value(), 0);
  for (const double value : {1.0, 2.0, 3.0, 6.0}) mean.add(value);
  EXPECT_DOUBLE_EQ(mean.value(), 3);
  // Variance of the sample 14 / 3, of the mean a fourth of it.
  EXPECT_NEAR(mean.error(), std::sqrt(14.0 / 3 / 4), 1e-12);
}

TEST(LogProbability, IsThatOfTheSoftmax) {
  const std::vector<float> logits = {1, 2, 3};
  const double sum = std::exp(1) + std::exp(2) + std::exp(3);
  EXPECT_NEAR(log_probability(logits, 1), 2 - std::log(sum), 1e-12);
  const std::vector<float> large = {1e4f, 1e4f};
  EXPECT_NEAR(log_probability(large, 0), -std::log(2.0), 1e-12) << "no overflow";
}

TEST(Perplexity, OfAGuessAmongEqualsIsTheirNumber) {
  Perplexity perplexity;
  const std::vector<float> logits(7, 0.5f);
  for (int32_t token = 0; token < 7; ++token) perplexity.add(logits, token);
  EXPECT_NEAR(perplexity.value(), 7, 1e-9);
  EXPECT_NEAR(perplexity.error(), 0, 1e-6);
  EXPECT_EQ(perplexity.count(), 7);
}

TEST(Divergence, IsZeroForEqualsAndPositiveOtherwise) {
  Divergence same;
  const std::vector<float> a = {0, std::log(3.0f)};  // 1/4, 3/4
  same.add(a, a);
  EXPECT_NEAR(same.nats().value(), 0, 1e-9);
  EXPECT_EQ(same.same_best().value(), 1);
  Divergence other;
  const std::vector<float> b = {std::log(3.0f), 0};
  other.add(a, b);
  EXPECT_NEAR(other.nats().value(), 0.25 * std::log(1.0 / 3) + 0.75 * std::log(3.0), 1e-6);
  EXPECT_EQ(other.same_best().value(), 0);
}

}  // namespace
}  // namespace chasqui::app
