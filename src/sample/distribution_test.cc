// Draws, counted. Seeds are fixed, so these do not flicker; the bounds are those of a chi-square
// statistic that a right sampler would exceed once in a thousand seeds.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "sample/sampler_chain.h"

namespace chasqui::sample {
namespace {

constexpr int kDraws = 20000;

SamplingSpec plain(uint64_t seed) {
  SamplingSpec spec;
  spec.temperature = 1;
  spec.top_k = 0;
  spec.top_p = 1;
  spec.min_p = 0;
  spec.repeat_penalty = 1;
  spec.seed = seed;
  return spec;
}

std::vector<int> count(const SamplingSpec& spec, const std::vector<float>& logits) {
  SamplerChain chain(spec, static_cast<int32_t>(logits.size()), -1);
  std::vector<int> counts(logits.size());
  for (int i = 0; i < kDraws; ++i) {
    std::vector<float> copy = logits;
    ++counts[static_cast<size_t>(chain.sample(copy, -1).token)];
  }
  return counts;
}

// `expected` are probabilities; tokens of probability 0 must not be drawn at all.
double chi_square(const std::vector<int>& counts, const std::vector<double>& expected) {
  double sum = 0;
  for (size_t i = 0; i < counts.size(); ++i) {
    if (expected[i] == 0) {
      EXPECT_EQ(counts[i], 0) << i;
      continue;
    }
    const double want = expected[i] * kDraws;
    sum += (counts[i] - want) * (counts[i] - want) / want;
  }
  return sum;
}

std::vector<double> softmax(std::vector<double> logits) {
  double sum = 0;
  for (double& x : logits) sum += x = std::exp(x);
  for (double& x : logits) x /= sum;
  return logits;
}

constexpr double kBound4 = 18.47;  // 99.9 % quantile, 4 degrees of freedom
constexpr double kBound3 = 16.27;
constexpr double kBound1 = 10.83;

TEST(SampleDistribution, WholeVocabularyFollowsTheSoftmax) {
  const std::vector<float> logits = {0, 1, 2, -1, 0.5f};
  EXPECT_LT(chi_square(count(plain(11), logits), softmax({0, 1, 2, -1, 0.5})), kBound4);
}

TEST(SampleDistribution, TemperatureDividesTheLogits) {
  SamplingSpec spec = plain(12);
  spec.temperature = 2;
  const std::vector<float> logits = {0, 1, 2, -1, 0.5f};
  EXPECT_LT(chi_square(count(spec, logits), softmax({0, 0.5, 1, -0.5, 0.25})), kBound4);
}

TEST(SampleDistribution, TopKRenormalises) {
  SamplingSpec spec = plain(13);
  spec.top_k = 2;
  const auto p = softmax({2, 1});
  EXPECT_LT(chi_square(count(spec, {0, 1, 2, -1, 0.5f}), {0, p[1], p[0], 0, 0}), kBound1);
}

TEST(SampleDistribution, TopPKeepsTheShortestPrefix) {
  SamplingSpec spec = plain(14);
  spec.top_p = 0.7f;
  const float a = std::log(0.4f), b = std::log(0.35f), c = std::log(0.25f);
  EXPECT_LT(chi_square(count(spec, {c, a, b}), {0, 0.4 / 0.75, 0.35 / 0.75}), kBound1);
}

TEST(SampleDistribution, MinPComparesWithTheBest) {
  SamplingSpec spec = plain(15);
  spec.min_p = 0.5f;
  const float a = std::log(0.5f), b = std::log(0.3f), c = std::log(0.2f);
  EXPECT_LT(chi_square(count(spec, {c, a, b}), {0, 0.5 / 0.8, 0.3 / 0.8}), kBound1);
}

TEST(SampleDistribution, BlocksOfALargeVocabularyAreEquallyLikely) {
  const std::vector<float> logits(1000, 3.0f);
  const auto counts = count(plain(16), logits);
  std::vector<int> quarters(4);
  for (size_t i = 0; i < counts.size(); ++i) quarters[i / 250] += counts[i];
  EXPECT_LT(chi_square(quarters, {0.25, 0.25, 0.25, 0.25}), kBound3);
}

// Both versions must bring the mean surprise of what they draw near tau, from far away.
TEST(SampleDistribution, MirostatAdapts) {
  Rng rng(17);
  std::vector<float> logits(3000);
  for (float& x : logits) x = static_cast<float>(rng.normal() * 2.0);
  for (const int mode : {1, 2}) {
    SamplingSpec spec = plain(18);
    spec.mirostat_mode = mode;
    spec.mirostat_tau = 3;
    SamplerChain chain(spec, 3000, -1);
    // What was drawn, in bits of its own empirical distribution, after a warm-up.
    std::vector<double> counts(logits.size());
    constexpr int kWarmUp = 500, kCounted = 4000;
    for (int i = 0; i < kWarmUp + kCounted; ++i) {
      std::vector<float> copy = logits;
      const auto token = static_cast<size_t>(chain.sample(copy, -1).token);
      if (i >= kWarmUp) counts[token] += 1.0 / kCounted;
    }
    double entropy = 0;
    for (double p : counts) entropy -= p > 0 ? p * std::log2(p) : 0;
    EXPECT_NEAR(entropy, 3.0, 0.3) << "version " << mode;
  }
}

}  // namespace
}  // namespace chasqui::sample
