#include "sample/internal/candidates.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/rng.h"

namespace chasqui::sample {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

std::vector<int32_t> ids(std::span<const Candidate> candidates) {
  std::vector<int32_t> out;
  for (const Candidate& c : candidates) out.push_back(c.token);
  return out;
}

// The obviously right way.
std::vector<int32_t> sorted_ids(const std::vector<float>& logits, size_t n) {
  std::vector<Candidate> all;
  for (size_t i = 0; i < logits.size(); ++i) {
    if (logits[i] > -kInf) all.push_back({static_cast<int32_t>(i), logits[i]});
  }
  std::sort(all.begin(), all.end(), better);
  if (all.size() > n) all.resize(n);
  return ids(all);
}

TEST(Candidates, BestEqualsAFullSort) {
  Rng rng(1);
  for (const size_t vocab : {1u, 2u, 63u, 64u, 65u, 1000u, 5003u}) {
    for (const int levels : {2, 50, 1 << 30}) {  // few levels: many ties
      std::vector<float> logits(vocab);
      for (float& x : logits) {
        x = static_cast<float>(rng.below(static_cast<uint64_t>(levels))) - 7.0f;
        if (rng.below(20) == 0) x = rng.below(2) ? -kInf : kNan;
      }
      Candidates candidates;
      for (const size_t n : {1u, 2u, 40u, 41u, 300u, 5003u, 9999u}) {
        candidates.reset(logits);
        EXPECT_EQ(ids(candidates.best(n)), sorted_ids(logits, n)) << vocab << ' ' << n;
      }
      // Looking further and further gives the same as looking once.
      candidates.reset(logits);
      for (size_t n = 1; n < 2 * vocab; n = n * 2 + 1) {
        EXPECT_EQ(ids(candidates.best(n)), sorted_ids(logits, n)) << vocab << ' ' << n;
      }
    }
  }
}

TEST(Candidates, NothingFiniteIsEmpty) {
  Candidates candidates;
  candidates.reset(std::vector<float>{});
  EXPECT_TRUE(candidates.empty());
  const std::vector<float> logits = {-kInf, kNan, -kInf};
  candidates.reset(logits);
  EXPECT_TRUE(candidates.empty());
  EXPECT_TRUE(candidates.best(3).empty());
  EXPECT_TRUE(candidates.unordered().empty());
}

TEST(Candidates, InfinityCountsAsTheLargestFloat) {
  const std::vector<float> logits = {1.0f, kInf, 2.0f, kInf};
  Candidates candidates;
  candidates.reset(logits);
  EXPECT_EQ(candidates.front().token, 1);
  EXPECT_THAT(ids(candidates.best(9)), testing::ElementsAre(1, 3, 2, 0));
  EXPECT_EQ(candidates.total(), 2.0);
  EXPECT_EQ(candidates.at_fraction(0.75).token, 3);
}

TEST(Candidates, FractionsCoverTheWholeVocabularyInIdOrder) {
  const std::vector<float> logits = {0.0f, -kInf, 0.0f, 0.0f, kNan, 0.0f};
  Candidates candidates;
  candidates.reset(logits);
  EXPECT_EQ(candidates.at_fraction(0.0).token, 0);
  EXPECT_EQ(candidates.at_fraction(0.26).token, 2);
  EXPECT_EQ(candidates.at_fraction(0.51).token, 3);
  EXPECT_EQ(candidates.at_fraction(0.9999999).token, 5);
}

TEST(Candidates, AFloorHoldsForEverythingThatFollows) {
  const std::vector<float> logits = {0.0f, 3.0f, 1.0f, 2.9f, -kInf};
  Candidates candidates;
  for (const bool looked_before : {false, true}) {
    candidates.reset(logits);
    if (looked_before) candidates.best(5);
    candidates.keep_weight(0.5);
    EXPECT_THAT(ids(candidates.best(9)), testing::ElementsAre(1, 3));
    EXPECT_EQ(candidates.unordered().size(), 2u);
    EXPECT_NEAR(candidates.total(), 1 + std::exp(-0.1), 1e-6);
    candidates.set_temperature(100);
    EXPECT_EQ(candidates.at_fraction(0.0).token, 1);
    EXPECT_EQ(candidates.at_fraction(0.999999).token, 3);
  }
}

TEST(Candidates, FractionsFollowTheOrderAfterACut) {
  const std::vector<float> logits = {0.0f, 3.0f, 1.0f, 3.0f};
  Candidates candidates;
  candidates.reset(logits);
  candidates.keep(2);
  EXPECT_EQ(candidates.total(), 2.0);
  EXPECT_EQ(candidates.at_fraction(0.0).token, 1);
  EXPECT_EQ(candidates.at_fraction(0.49).token, 1);
  EXPECT_EQ(candidates.at_fraction(0.51).token, 3);
  EXPECT_EQ(candidates.at_fraction(0.9999999).token, 3);
}

}  // namespace
}  // namespace chasqui::sample
