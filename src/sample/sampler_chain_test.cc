#include "sample/sampler_chain.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "sample/internal/sampler.h"

namespace chasqui::sample {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

SamplingSpec greedy() {
  SamplingSpec spec;
  spec.temperature = 0;
  spec.repeat_penalty = 1;
  spec.seed = 1;
  return spec;
}

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

int32_t choose(SamplerChain& chain, std::vector<float> logits) {
  return chain.sample(logits, -1).token;
}

TEST(SamplerChain, GreedyTakesTheLowerIdOfATie) {
  SamplerChain chain(greedy(), 5, -1);
  EXPECT_EQ(choose(chain, {1, 3, 2, 3, 3}), 1);
  EXPECT_EQ(choose(chain, {kNan, -kInf, -5, -4, kNan}), 3);
}

TEST(SamplerChain, ImpossibleLogitsChooseTokenZero) {
  for (const SamplingSpec& spec : {greedy(), plain(3), SamplingSpec{}}) {
    SamplerChain chain(spec, 3, -1);
    EXPECT_EQ(choose(chain, {-kInf, kNan, -kInf}), 0);
  }
}

TEST(SamplerChain, ASingleCandidateIsChosenWhateverTheSpec) {
  SamplingSpec specs[] = {greedy(), plain(1), SamplingSpec{}, plain(2), plain(3), plain(4)};
  specs[3].mirostat_mode = 1;
  specs[4].mirostat_mode = 2;
  specs[5].typical_p = 0.1f;
  specs[5].tfs_z = 0.1f;
  for (const SamplingSpec& spec : specs) {
    SamplerChain chain(spec, 4, -1);
    for (int i = 0; i < 20; ++i) EXPECT_EQ(choose(chain, {-kInf, -kInf, -900, kNan}), 2);
  }
}

TEST(SamplerChain, EqualSeedsGiveEqualTokensAndOtherSeedsOthers) {
  const auto run = [](uint64_t seed) {
    SamplerChain chain(plain(seed), 50, -1);
    EXPECT_EQ(chain.seed(), seed);
    std::vector<int32_t> tokens;
    for (int i = 0; i < 20; ++i) tokens.push_back(choose(chain, std::vector<float>(50, 0.0f)));
    return tokens;
  };
  EXPECT_EQ(run(7), run(7));
  EXPECT_NE(run(7), run(8));
}

TEST(SamplerChain, WithoutASeedEachChainGetsItsOwn) {
  SamplerChain a(SamplingSpec{}, 10, -1), b(SamplingSpec{}, 10, -1);
  EXPECT_NE(a.seed(), b.seed());
}

TEST(SamplerChain, BiasBansAndPrefers) {
  SamplingSpec spec = greedy();
  spec.logit_bias = {{1, -kInf}, {2, 2.5f}, {77, 9.0f}, {-3, 9.0f}};  // the last two: no such ids
  SamplerChain chain(spec, 4, -1);
  EXPECT_EQ(choose(chain, {1, 9, 0, 2}), 2);
  spec.logit_bias = {{1, -100.0f}};
  SamplerChain soft(spec, 4, -1);
  EXPECT_EQ(choose(soft, {1, 9, 0, 2}), 3);
}

TEST(SamplerChain, RepeatPenaltyNeverHelps) {
  SamplingSpec spec = greedy();
  spec.repeat_penalty = 2;
  SamplerChain chain(spec, 3, -1);
  const int32_t prompt[] = {0};
  chain.prime(prompt);
  EXPECT_EQ(choose(chain, {3, 2, 1}), 1);  // 3 / 2 < 2
  SamplerChain negative(spec, 3, -1);
  negative.prime(prompt);
  EXPECT_EQ(choose(negative, {-1, -1.5f, -9}), 1);  // -1 * 2 < -1.5
}

TEST(SamplerChain, FrequencyCountsAndPresenceDoesNot) {
  SamplingSpec spec = greedy();
  spec.frequency_penalty = 1;
  SamplerChain frequency(spec, 2, -1);
  const int32_t prompt[] = {0, 0, 0};
  frequency.prime(prompt);
  EXPECT_EQ(choose(frequency, {2.5f, 0}), 1);  // 2.5 - 3 < 0
  spec.frequency_penalty = 0;
  spec.presence_penalty = 1;
  SamplerChain presence(spec, 2, -1);
  presence.prime(prompt);
  EXPECT_EQ(choose(presence, {2.5f, 0}), 0);  // 2.5 - 1 > 0
}

TEST(SamplerChain, PenaltiesForgetWhatLeftTheWindow) {
  SamplingSpec spec = greedy();
  spec.presence_penalty = 2;
  spec.penalty_last_n = 2;
  SamplerChain chain(spec, 4, -1);
  const int32_t prompt[] = {0, 1, 2};  // 0 is outside from the start
  chain.prime(prompt);
  EXPECT_EQ(choose(chain, {3, 4, 4, 0}), 0);  // window 1 2 -> 2 0
  EXPECT_EQ(choose(chain, {3, 4, 4, 0}), 1);  // window 2 0 -> 0 1
  EXPECT_EQ(choose(chain, {3, 4, 4, 0}), 2);
}

TEST(SamplerChain, WindowMinusOneRemembersAllAndZeroNothing) {
  SamplingSpec spec = greedy();
  spec.presence_penalty = 2;
  std::vector<int32_t> prompt(1000, 1);
  prompt[0] = 0;
  spec.penalty_last_n = -1;
  SamplerChain all(spec, 3, -1);
  all.prime(prompt);
  EXPECT_EQ(choose(all, {2, 2, 1}), 2);
  spec.penalty_last_n = 0;
  SamplerChain none(spec, 3, -1);
  none.prime(prompt);
  EXPECT_EQ(choose(none, {2, 2, 1}), 0);
}

TEST(SamplerChain, NewlineMayBeExempt) {
  SamplingSpec spec = greedy();
  spec.presence_penalty = 2;
  const int32_t prompt[] = {1};
  for (const bool penalised : {true, false}) {
    spec.penalize_newline = penalised;
    SamplerChain chain(spec, 2, 1);
    chain.prime(prompt);
    EXPECT_EQ(choose(chain, {0, 1}), penalised ? 0 : 1);
  }
}

TEST(SamplerChain, ABanHoldsForOneChoice) {
  SamplerChain chain(greedy(), 3, -1);
  chain.ban_next(2);
  chain.ban_next(1);
  chain.ban_next(99);  // no such token: ignored
  EXPECT_EQ(choose(chain, {1, 2, 3}), 0);
  EXPECT_EQ(choose(chain, {1, 2, 3}), 2);
}

class EvenOnly : public TokenFilter {
 public:
  void apply(std::span<float> logits) override {
    for (size_t i = open ? 1 : 0; i < logits.size(); i += open ? 2 : 1) logits[i] = -kInf;
  }
  void accept(int32_t token) override { accepted.push_back(token); }
  bool open = true;
  std::vector<int32_t> accepted;
};

TEST(SamplerChain, TheFilterMasksAndLearnsTheChoice) {
  for (SamplingSpec spec : {greedy(), plain(5), SamplingSpec{}}) {
    auto filter = std::make_shared<EvenOnly>();
    SamplerChain chain(spec, 4, -1, filter);
    std::vector<int32_t> chosen;
    for (int i = 0; i < 30; ++i) chosen.push_back(choose(chain, {1, 8, 2, 8}));
    for (int32_t token : chosen) EXPECT_EQ(token % 2, 0);
    EXPECT_EQ(filter->accepted, chosen);
    filter->open = false;
    EXPECT_EQ(choose(chain, {1, 8, 2, 8}), 0);
    EXPECT_EQ(filter->accepted.size(), chosen.size());  // a forced token is not accepted
  }
}

class OnlyThree : public EvenOnly {
 public:
  void apply(std::span<float> logits) override {
    ++applied;
    EvenOnly::apply(logits);
  }
  int32_t forced() override { return 3; }
  int applied = 0;
};

TEST(SamplerChain, WhatIsForcedIsNotSampled) {
  for (SamplingSpec spec : {greedy(), plain(5), SamplingSpec{}}) {
    auto filter = std::make_shared<OnlyThree>();
    SamplerChain chain(spec, 4, -1, filter);
    EXPECT_EQ(choose(chain, {1, 8, 2, -kInf}), 3);
    std::vector<float> logits = {0, 0, 0, 0};
    const Sampled reported = chain.sample(logits, 1);
    EXPECT_EQ(reported.token, 3);
    EXPECT_NEAR(reported.logprob, std::log(0.25), 1e-6);
    EXPECT_EQ(filter->applied, 0);
    EXPECT_EQ(filter->accepted, (std::vector<int32_t>{3, 3}));
  }
}

TEST(SamplerChain, AFollowerChoosesWhatTheOtherWill) {
  for (const int mode : {0, 1, 2}) {
    SamplingSpec spec;
    spec.mirostat_mode = mode;
    spec.temperature = 1.5f;
    spec.frequency_penalty = 0.5f;
    spec.penalty_last_n = 3;
    spec.seed = 9;
    SamplerChain chain(spec, 4, -1);
    spec.seed = 10;
    SamplerChain follower(spec, 4, -1);
    for (int i = 0; i < 50; ++i) {
      follower.follow(chain);
      std::vector<int32_t> guesses;
      for (int g = 0; g < 3; ++g) guesses.push_back(choose(follower, {2, 1.5f, 1, 1.8f}));
      for (const int32_t guess : guesses) EXPECT_EQ(choose(chain, {2, 1.5f, 1, 1.8f}), guess);
    }
  }
}

TEST(SamplerChain, LogProbabilitiesSeeTheBiasButNotPenaltiesMaskOrBan) {
  SamplingSpec spec = greedy();
  spec.presence_penalty = 5;
  spec.logit_bias = {{3, 2.0f}};
  auto filter = std::make_shared<EvenOnly>();
  SamplerChain chain(spec, 4, -1, filter);
  const int32_t prompt[] = {0};
  chain.prime(prompt);
  std::vector<float> logits = {3, 2, 1, 0};
  const Sampled s = chain.sample(logits, 3);
  EXPECT_EQ(s.token, 2);
  const double z = std::log(std::exp(3) + std::exp(2) + std::exp(1) + std::exp(2));
  EXPECT_NEAR(s.logprob, 1 - z, 1e-6);
  ASSERT_EQ(s.top.size(), 3u);
  EXPECT_EQ(s.top[0].token, 0);
  EXPECT_EQ(s.top[1].token, 1);  // a tie with 3: the lower id
  EXPECT_EQ(s.top[2].token, 3);
  EXPECT_NEAR(s.top[1].logprob, 2 - z, 1e-6);
}

TEST(LogProbabilities, HandlesTheOddCases) {
  const std::vector<float> logits = {0, -kInf, kNan, 0};
  const Sampled s = log_probabilities(logits, 1, 10);
  EXPECT_EQ(s.logprob, -kInf);
  ASSERT_EQ(s.top.size(), 2u);
  EXPECT_NEAR(s.top[0].logprob, -std::log(2.0), 1e-6);
  EXPECT_THAT(log_probabilities(logits, 0, 0).top, IsEmpty());
  EXPECT_EQ(log_probabilities(logits, -1, 0).logprob, -kInf);
  EXPECT_EQ(log_probabilities(std::vector<float>(3, -kInf), 0, 2).logprob, -kInf);
}

TEST(SamplerTable, NamesAreUniqueAndStagesInOrder) {
  std::vector<std::string_view> names;
  Stage last = Stage::kBias;
  for (const SamplerRow& row : sampler_rows()) {
    EXPECT_THAT(names, testing::Not(testing::Contains(row.name)));
    names.push_back(row.name);
    EXPECT_LE(last, row.stage);
    last = row.stage;
  }
  EXPECT_EQ(names.back(), "temperature");
}

}  // namespace
}  // namespace chasqui::sample
