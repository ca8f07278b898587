#include "engine/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <new>
#include <semaphore>
#include <utility>

#include "engine/internal/test_support.h"

namespace chasqui::engine {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class EngineTest : public ::testing::Test {
 protected:
  // `steps` holds the engine back: each forward() takes one permit.
  void start(FakeRunner::Next next, EngineOptions options = {}, FakeRunner::Options runner = {},
             std::counting_semaphore<>* steps = nullptr) {
    auto fake = std::make_unique<FakeRunner>(runner, std::move(next));
    if (steps != nullptr) fake->before_forward = [steps] { steps->acquire(); };
    runner_ = fake.get();
    engine_ = std::make_unique<Engine>(std::move(fake), byte_tokenizer(), options);
  }

  Event answer(Request request) {
    auto sink = std::static_pointer_cast<Collector>(request.sink);
    const auto id = engine_->submit(std::move(request));
    if (!id)
      return {.text = {},
              .tokens = {},
              .embedding = {},
              .finish = {},
              .stop_text = {},
              .error = id.error(),
              .usage = {}};
    return sink->wait();
  }

  std::shared_ptr<Collector> sink() { return std::make_shared<Collector>(); }

  FakeRunner* runner_ = nullptr;
  std::unique_ptr<Engine> engine_;
};

const std::vector<int32_t> kPrompt{kBos, kFirstByte + 'x'};

FakeRunner::Next says(std::string_view text) {
  return follow(kPrompt.size(), bytes_of(text));
}

TEST_F(EngineTest, AnswersUntilTheModelEnds) {
  start(follow(2, {word("hello"), word(" world")}));
  const Event event = answer(greedy(kPrompt, 16, sink()));
  EXPECT_EQ(event.text, "hello world");
  EXPECT_EQ(event.finish, FinishReason::kStop);
  EXPECT_EQ(event.stop_text, "");
  EXPECT_THAT(event.tokens, IsEmpty());
  EXPECT_EQ(event.usage.prompt_tokens, 2);
  EXPECT_EQ(event.usage.completion_tokens, 2) << "without the end-of-generation token";
}

TEST_F(EngineTest, EveryEndOfGenerationTokenEnds) {
  start(follow(2, {word("hello"), kImEnd, word("ab")}));
  const Event event = answer(greedy(kPrompt, 16, sink()));
  EXPECT_EQ(event.text, "hello");
  EXPECT_EQ(event.finish, FinishReason::kStop);
}

TEST_F(EngineTest, MaxTokensIsExact) {
  start(says("abcdef"));
  for (int64_t most = 0; most < 7; ++most) {
    const Event event = answer(greedy(kPrompt, most, sink()));
    EXPECT_EQ(event.text, std::string("abcdef").substr(0, static_cast<size_t>(most)));
    EXPECT_EQ(event.usage.completion_tokens, std::min<int64_t>(most, 6));
    EXPECT_EQ(event.finish, most <= 6 ? FinishReason::kLength : FinishReason::kStop) << most;
  }
}

TEST_F(EngineTest, MaxTokensCutsInsideACharacterWithoutOverrun) {
  start(says("né!"));
  const Event event = answer(greedy(kPrompt, 2, sink()));
  EXPECT_EQ(event.text, "n\xEF\xBF\xBD");
  EXPECT_EQ(event.usage.completion_tokens, 2);
}

TEST_F(EngineTest, CharactersSplitOverTokensArriveWhole) {
  start(says("a🦙é語"));
  auto collector = sink();
  const Event event = answer(greedy(kPrompt, 64, collector));
  EXPECT_EQ(event.text, "a🦙é語");
  std::vector<std::string> texts;
  for (const Event& part : collector->all()) texts.push_back(part.text);
  EXPECT_THAT(texts, ElementsAre("a", "🦙", "é", "語", ""));
}

TEST_F(EngineTest, StopStringsAcrossTokensAreNeverShown) {
  start(follow(2, {word("hello"), word("ST"), word("OP"), word("hello")}));
  auto collector = sink();
  Request request = greedy(kPrompt, 16, collector);
  request.stops = {"TO", "loSTO", "xyz"};
  const Event event = answer(std::move(request));
  EXPECT_EQ(event.text, "hel");
  EXPECT_EQ(event.stop_text, "loSTO");
  EXPECT_EQ(event.finish, FinishReason::kStop);
  EXPECT_EQ(event.usage.completion_tokens, 3) << "tokens of the cut text were sampled too";
  EXPECT_EQ(collector->all().front().text, "hel") << "shown at once, the rest held back";
}

TEST_F(EngineTest, HeldBackTextIsShownWhenNoStopComes) {
  start(follow(2, {word("ST")}));
  Request request = greedy(kPrompt, 16, sink());
  request.stops = {"STOP"};
  EXPECT_EQ(answer(std::move(request)).text, "ST");
}

TEST_F(EngineTest, StopTokensEndLikeTheModelsOwn) {
  start(says("abc"));
  Request request = greedy(kPrompt, 16, sink());
  request.stop_tokens = bytes_of("c");
  const Event event = answer(std::move(request));
  EXPECT_EQ(event.text, "ab");
  EXPECT_EQ(event.finish, FinishReason::kStop);
  EXPECT_EQ(event.usage.completion_tokens, 2);
}

TEST_F(EngineTest, MinTokensAndIgnoreEosForbidTheEnd) {
  start(says(""));
  EXPECT_EQ(answer(greedy(kPrompt, 9, sink())).usage.completion_tokens, 0);
  Request at_least = greedy(kPrompt, 9, sink());
  at_least.min_tokens = 4;
  const Event four = answer(std::move(at_least));
  EXPECT_EQ(four.usage.completion_tokens, 4);
  EXPECT_EQ(four.finish, FinishReason::kStop);
  Request endless = greedy(kPrompt, 9, sink());
  endless.ignore_eos = true;
  const Event nine = answer(std::move(endless));
  EXPECT_EQ(nine.usage.completion_tokens, 9);
  EXPECT_EQ(nine.finish, FinishReason::kLength);
}

TEST_F(EngineTest, MinTokensShieldsFromStopStrings) {
  start(follow(2, {word("STOP"), word("ab"), word("STOP")}));
  Request request = greedy(kPrompt, 9, sink());
  request.min_tokens = 1;
  request.stops = {"STOP"};
  EXPECT_EQ(answer(std::move(request)).text, "STOPab");
}

class OnlyBytes : public sample::TokenFilter {
 public:
  void apply(std::span<float> logits) override {
    for (size_t i = 0; i < logits.size(); ++i) {
      const bool allowed = accepted < 3 ? i == kFirstByte + 'z' : i == kEos;
      if (!allowed) logits[i] = -INFINITY;
    }
  }
  void accept(int32_t token) override {
    EXPECT_EQ(token, accepted < 3 ? kFirstByte + 'z' : kEos);
    ++accepted;
  }
  int accepted = 0;
};

TEST_F(EngineTest, AGrammarOutranksMinTokens) {
  start(says("hello"));
  Request request = greedy(kPrompt, 20, sink());
  request.filter = std::make_shared<OnlyBytes>();
  request.min_tokens = 10;
  request.ignore_eos = true;
  const Event event = answer(std::move(request));
  EXPECT_EQ(event.text, "zzz");
  EXPECT_EQ(event.finish, FinishReason::kStop);
}

TEST_F(EngineTest, TopLogprobsReportTheTokensBehindTheText) {
  start(follow(2, {word("hello"), bytes_of("é")[0], bytes_of("é")[1], word("ST"), word("OP")}));
  Request request = greedy(kPrompt, 16, sink());
  request.top_logprobs = 2;
  request.stops = {"STOP"};
  const Event event = answer(std::move(request));
  EXPECT_EQ(event.text, "helloé");
  ASSERT_EQ(event.tokens.size(), 3u);
  EXPECT_EQ(event.tokens[0].text, "hello");
  EXPECT_EQ(event.tokens[1].text, "");
  EXPECT_EQ(event.tokens[2].text, "é");
  for (const TokenOutput& token : event.tokens) {
    ASSERT_EQ(token.top.size(), 2u);
    EXPECT_EQ(token.top[0].token, token.token);
    EXPECT_FLOAT_EQ(token.top[0].logprob, token.logprob);
  }
}

TEST_F(EngineTest, PromptLogprobsComeFirstWithinTheBoundOnLogitsRows) {
  const std::vector<int32_t> prompt = bytes_of("The llamas of the Andes carry");
  const auto next = follow(prompt.size(), bytes_of("ab"));
  start(next, {}, {.max_rows = 16, .max_logit_rows = 5});
  for (const bool again : {false, true}) {  // the second time a prefix hit must skip nothing
    Request request = greedy(prompt, 1, sink());
    request.prompt_logprobs = true;
    request.top_logprobs = 1;
    const Event event = answer(std::move(request));
    EXPECT_EQ(event.usage.cached_prompt_tokens, 0) << again;
    ASSERT_EQ(event.tokens.size(), prompt.size() + 1);
    EXPECT_TRUE(std::isnan(event.tokens[0].logprob));
    for (size_t i = 1; i < prompt.size(); ++i) {
      const auto logits = FakeRunner::logits_after(std::span(prompt).first(i), next);
      const auto expected = sample::log_probabilities(logits, prompt[i], 1);
      EXPECT_EQ(event.tokens[i].token, prompt[i]);
      EXPECT_EQ(event.tokens[i].logprob, expected.logprob);
      EXPECT_EQ(event.tokens[i].top.at(0).token, expected.top.at(0).token);
    }
  }
  EXPECT_LE(runner_->largest_logit_request, 5);
}

TEST_F(EngineTest, PromptLogprobsAloneNeedNoAnswer) {
  start(says("ab"));
  Request request = greedy(bytes_of("xé"), 0, sink());
  request.prompt_logprobs = true;
  const Event event = answer(std::move(request));
  EXPECT_EQ(event.finish, FinishReason::kLength);
  EXPECT_EQ(event.text, "");
  ASSERT_EQ(event.tokens.size(), 3u);
  EXPECT_EQ(event.tokens[2].text, "é");
}

TEST_F(EngineTest, ALogitThatIsNoNumberFailsTheRequestAndNoOther) {
  const std::vector<int32_t> damaged = bytes_of("damaged");
  start([&](std::span<const int32_t> tokens) {
    return std::ranges::equal(tokens, damaged) ? FakeRunner::kNaN : word("ab");
  });
  const auto bad = sink();
  const auto good = sink();
  ASSERT_TRUE(engine_->submit(greedy(damaged, 8, bad)));
  ASSERT_TRUE(engine_->submit(greedy(bytes_of("sound"), 3, good)));
  const Event event = bad->wait();
  ASSERT_TRUE(event.error);
  EXPECT_EQ(event.error->code, ErrorCode::kCorrupt);
  EXPECT_EQ(good->wait().finish, FinishReason::kLength);
}

TEST_F(EngineTest, AStepThatThrowsFailsItsRequestsAndTheEngineGoesOn) {
  const std::vector<int32_t> unlucky = bytes_of("forty-eight characters make three whole blocks..");
  bool fails = true;  // engine thread only
  start([&](std::span<const int32_t> tokens) {
    const bool here =
        tokens.size() > unlucky.size() && std::ranges::equal(tokens.first(unlucky.size()), unlucky);
    if (here && std::exchange(fails, false)) throw std::bad_alloc();
    return word("ab");
  });
  const auto bad = sink();
  ASSERT_TRUE(engine_->submit(greedy(unlucky, 8, bad)));
  const Event event = bad->wait();
  ASSERT_TRUE(event.error);
  EXPECT_EQ(event.error->code, ErrorCode::kInternal);
  EXPECT_EQ(event.usage.completion_tokens, 1);
  // What the failed request had computed before is sound, and its places are free again.
  const Event again = answer(greedy(unlucky, 8, sink()));
  EXPECT_EQ(again.text, "abababababababab");
  EXPECT_TRUE(engine_->idle());
  EXPECT_EQ(engine_->stats().running, 0);
}

// Throws at the third token.
class Unlucky final : public sample::TokenFilter {
 public:
  void apply(std::span<float>) override {
    if (++tokens_ == 3) throw std::bad_alloc();
  }
  void accept(int32_t) override {}

 private:
  int tokens_ = 0;
};

TEST_F(EngineTest, SamplingThatThrowsFailsItsRequestAndNoOther) {
  start(says("abcdefgh"));
  const auto bad = sink();
  const auto good = sink();
  Request unlucky = greedy(kPrompt, 8, bad);
  unlucky.filter = std::make_shared<Unlucky>();
  ASSERT_TRUE(engine_->submit(std::move(unlucky)));
  ASSERT_TRUE(engine_->submit(greedy(kPrompt, 8, good)));
  const Event event = bad->wait();
  ASSERT_TRUE(event.error);
  EXPECT_EQ(event.error->code, ErrorCode::kInternal);
  EXPECT_EQ(event.usage.completion_tokens, 2);
  const Event whole = good->wait();
  EXPECT_EQ(whole.finish, FinishReason::kLength);
  EXPECT_EQ(whole.text, "abcdefgh");
}

// Who answers an answer with the next request is never told that there is no room.
TEST_F(EngineTest, APlaceIsFreeBeforeTheAnswerIsOut) {
  start(nullptr, {.max_sequences = 1, .max_queue = 0});
  for (int round = 0; round < 500; ++round) {
    const auto one = sink();
    ASSERT_TRUE(engine_->submit(greedy(bytes_of("x"), 1, one))) << round;
    one->wait();
  }
}

TEST_F(EngineTest, CachedPrefixesAreCountedAndChangeNothing) {
  start(nullptr);
  std::vector<int32_t> prompt = bytes_of("forty-eight characters make three whole blocks!!");
  ASSERT_EQ(prompt.size(), 48u);
  const Event first = answer(greedy(prompt, 8, sink()));
  const Event second = answer(greedy(prompt, 8, sink()));
  EXPECT_EQ(first.usage.cached_prompt_tokens, 0);
  EXPECT_EQ(second.usage.cached_prompt_tokens, 47);
  EXPECT_EQ(second.text, first.text);
  Request salted = greedy(prompt, 8, sink());
  salted.cache_salt = 5;
  EXPECT_EQ(answer(std::move(salted)).usage.cached_prompt_tokens, 0);
  Request apart = greedy(prompt, 8, sink());
  apart.use_prefix_cache = false;
  EXPECT_EQ(answer(std::move(apart)).usage.cached_prompt_tokens, 0);
  EXPECT_EQ(engine_->stats().cached_prompt_tokens, 47);
  EXPECT_EQ(engine_->stats().prompt_tokens, 4 * 48 - 47);
}

TEST_F(EngineTest, EmbeddingsPoolTheSameHoweverThePromptIsCut) {
  const std::vector<int32_t> prompt = bytes_of("a text that is longer than a step has rows");
  std::vector<double> mean(4, 0.0);
  for (size_t i = 1; i <= prompt.size(); ++i) {
    const auto hidden = FakeRunner::hidden_after(std::span(prompt).first(i));
    for (size_t d = 0; d < 4; ++d) mean[d] += static_cast<double>(hidden[d]);
  }
  std::vector<float> expected_mean;
  for (const double sum : mean) {
    expected_mean.push_back(static_cast<float>(sum / static_cast<double>(prompt.size())));
  }
  for (const int64_t rows : {64, 7}) {
    start(nullptr, {}, {.max_rows = rows});
    const auto embed = [&](Pooling pooling) {
      Request request = greedy(prompt, 0, sink());
      request.kind = RequestKind::kEmbed;
      request.pooling = pooling;
      const Event event = answer(std::move(request));
      EXPECT_EQ(event.finish, FinishReason::kStop);
      EXPECT_EQ(event.usage.prompt_tokens, static_cast<int64_t>(prompt.size()));
      return event.embedding;
    };
    EXPECT_EQ(embed(Pooling::kMean), expected_mean);
    EXPECT_EQ(embed(Pooling::kLast), FakeRunner::hidden_after(prompt));
    EXPECT_EQ(embed(Pooling::kFirst), FakeRunner::hidden_after(std::span(prompt).first(1)));
    EXPECT_EQ(embed(Pooling::kLast), FakeRunner::hidden_after(prompt)) << "after a prefix hit";
  }
}

TEST_F(EngineTest, WrongRequestsAreRefusedWithTheField) {
  start(says("a"), {.n_ctx = 32});
  const auto refused = [this](auto change) {
    Request request = greedy(kPrompt, 4, sink());
    change(request);
    const auto result = engine_->submit(std::move(request));
    return result ? Error{} : result.error();
  };
  const auto check = [&](ErrorCode code, const char* param, auto change) {
    const Error error = refused(change);
    EXPECT_EQ(error.code, code) << param;
    EXPECT_EQ(error.param, param);
  };
  constexpr auto kInvalid = ErrorCode::kInvalidArgument;
  check(kInvalid, "prompt", [](Request& r) { r.prompt.clear(); });
  check(kInvalid, "prompt", [](Request& r) { r.prompt = {kVocabulary}; });
  check(kInvalid, "prompt", [](Request& r) { r.prompt = {-1}; });
  check(kInvalid, "sink", [](Request& r) { r.sink = nullptr; });
  check(kInvalid, "max_tokens", [](Request& r) { r.max_tokens = -1; });
  check(kInvalid, "min_tokens", [](Request& r) { r.min_tokens = -1; });
  check(kInvalid, "stop", [](Request& r) { r.stops = {"ok", ""}; });
  check(kInvalid, "stop", [](Request& r) { r.stops = {"\xC3"}; });
  check(kInvalid, "stop_tokens", [](Request& r) { r.stop_tokens = {kVocabulary}; });
  check(kInvalid, "top_logprobs", [](Request& r) { r.top_logprobs = -2; });
  check(kInvalid, "logit_bias", [](Request& r) { r.sampling.logit_bias = {{kVocabulary, 1.f}}; });
  check(ErrorCode::kContextLength, "prompt", [](Request& r) { r.prompt.assign(33, kBos); });
  check(ErrorCode::kContextLength, "max_tokens", [](Request& r) { r.max_tokens = 31; });
  check(ErrorCode::kContextLength, "max_tokens", [](Request& r) { r.max_tokens = INT64_MAX; });
  EXPECT_TRUE(engine_->idle()) << "refused requests leave nothing behind";
  Request full = greedy(std::vector<int32_t>(28, kBos), 4, sink());
  full.ignore_eos = true;
  EXPECT_EQ(answer(std::move(full)).usage.completion_tokens, 4) << "to the very last position";
}

TEST_F(EngineTest, CancelEndsARequestInPrefill) {
  std::counting_semaphore<> steps(0);
  start(nullptr, {}, {.max_rows = 8}, &steps);
  auto collector = sink();
  const auto id = engine_->submit(greedy(std::vector<int32_t>(500, kBos), 4, collector));
  steps.release();
  engine_->cancel(*id);
  steps.release(2);  // at most one step can have begun before the cancel was seen
  const Event event = collector->wait();
  EXPECT_EQ(event.finish, FinishReason::kCancelled);
  EXPECT_EQ(event.usage.completion_tokens, 0);
  EXPECT_LE(engine_->stats().prompt_tokens, 16);
  EXPECT_EQ(engine_->stats().blocks_in_use, 0);
}

TEST_F(EngineTest, CancelEndsARequestWhileItAnswers) {
  std::counting_semaphore<> steps(0);
  start(follow(2, std::vector<int32_t>(100, word("ab"))), {}, {}, &steps);
  auto collector = sink();
  const auto id = engine_->submit(greedy(kPrompt, 100, collector));
  steps.release(3);
  collector->wait_for_events(3);
  engine_->cancel(*id);
  steps.release(2);
  const Event event = collector->wait();
  EXPECT_EQ(event.finish, FinishReason::kCancelled);
  EXPECT_THAT(event.text, HasSubstr("ababab"));
  EXPECT_LE(event.usage.completion_tokens, 5);
}

TEST_F(EngineTest, CancelEndsARequestInTheQueue) {
  std::counting_semaphore<> steps(0);
  start(says("a"), {.max_sequences = 1}, {}, &steps);
  auto first = sink();
  auto second = sink();
  ASSERT_TRUE(engine_->submit(greedy(kPrompt, 4, first)));
  const auto id = engine_->submit(greedy(kPrompt, 4, second));
  engine_->cancel(*id);
  engine_->cancel(*id);
  engine_->cancel(12345);
  steps.release(10);
  EXPECT_EQ(second->wait().finish, FinishReason::kCancelled);
  EXPECT_EQ(first->wait().finish, FinishReason::kStop);
}

TEST_F(EngineTest, AFullQueueRefusesAndTakesAgainLater) {
  std::counting_semaphore<> steps(0);
  start(says("a"), {.max_sequences = 1, .max_queue = 2}, {}, &steps);
  std::vector<std::shared_ptr<Collector>> sinks;
  for (int i = 0; i < 3; ++i) {
    sinks.push_back(sink());
    ASSERT_TRUE(engine_->submit(greedy(kPrompt, 4, sinks.back())));
  }
  const auto refused = engine_->submit(greedy(kPrompt, 4, sink()));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(engine_->stats().waiting + engine_->stats().running, 3);
  steps.release(100);
  for (const auto& each : sinks) EXPECT_EQ(each->wait().text, "a");
  while (!engine_->idle()) std::this_thread::yield();
  EXPECT_EQ(answer(greedy(kPrompt, 4, sink())).text, "a");
}

TEST_F(EngineTest, ARequestThatNeverFitsFailsWithNumbers) {
  start(says("a"), {}, {.blocks = 4});
  const Event event = answer(greedy(std::vector<int32_t>(100, kBos), 4, sink()));
  ASSERT_TRUE(event.error);
  EXPECT_EQ(event.error->code, ErrorCode::kResourceExhausted);
  EXPECT_THAT(event.error->message, HasSubstr("needs 7 blocks"));
  EXPECT_THAT(event.error->message, HasSubstr("have 4"));
  EXPECT_FALSE(event.finish);
  EXPECT_EQ(answer(greedy(kPrompt, 4, sink())).text, "a");
}

TEST_F(EngineTest, DrainLetsTheOthersEnd) {
  std::counting_semaphore<> steps(0);
  start(says("abc"), {}, {}, &steps);
  auto running = sink();
  ASSERT_TRUE(engine_->submit(greedy(kPrompt, 8, running)));
  engine_->drain();
  const auto refused = engine_->submit(greedy(kPrompt, 8, sink()));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kCancelled);
  EXPECT_FALSE(engine_->idle());
  steps.release(10);
  EXPECT_EQ(running->wait().text, "abc");
  while (!engine_->idle()) std::this_thread::yield();
}

TEST_F(EngineTest, DestructionEndsEveryRequest) {
  std::counting_semaphore<> steps(0);
  start(follow(2, std::vector<int32_t>(100, word("ab"))), {.max_sequences = 1}, {}, &steps);
  auto running = sink();
  auto waiting = sink();
  ASSERT_TRUE(engine_->submit(greedy(kPrompt, 100, running)));
  ASSERT_TRUE(engine_->submit(greedy(kPrompt, 100, waiting)));
  steps.release(2);
  running->wait_for_events(1);
  steps.release(1000);
  engine_.reset();
  for (const auto& each : {running, waiting}) {
    const Event event = each->wait();
    if (each == running && !event.error) continue;  // it may have ended before
    ASSERT_TRUE(event.error);
    EXPECT_EQ(event.error->code, ErrorCode::kCancelled);
  }
}

TEST_F(EngineTest, PriorityRunsEarlier) {
  std::counting_semaphore<> steps(0);
  start(says("a"), {.max_sequences = 1}, {}, &steps);
  auto low = sink();
  auto high = sink();
  ASSERT_TRUE(engine_->submit(greedy(kPrompt, 100, sink())));
  ASSERT_TRUE(engine_->submit(greedy(kPrompt, 100, low)));
  Request urgent = greedy(kPrompt, 100, high);
  urgent.priority = 1;
  ASSERT_TRUE(engine_->submit(std::move(urgent)));
  steps.release(3);  // one for the first request, which then makes way, and two for the urgent one
  high->wait();
  EXPECT_EQ(low->events(), 0u);
  steps.release(100);
  low->wait();
}

// Three requests: one ends by itself, one by its length, one is cancelled before it runs.
TEST_F(EngineTest, TimingsCountRequestsTokensAndSteps) {
  std::counting_semaphore<> steps(0);
  start(says("abcdef"), {.max_sequences = 1}, {}, &steps);
  const auto ends = sink(), cut = sink(), cancelled = sink();
  ASSERT_TRUE(engine_->submit(greedy(kPrompt, 16, ends)));
  ASSERT_TRUE(engine_->submit(greedy(kPrompt, 3, cut)));
  const auto id = engine_->submit(greedy(kPrompt, 16, cancelled));
  ASSERT_TRUE(id);
  engine_->cancel(*id);
  steps.release(100);
  ends->wait(), cut->wait(), cancelled->wait();

  const EngineTimings timings = engine_->timings();
  const auto ended = [&timings](Outcome how) { return timings.outcomes[static_cast<size_t>(how)]; };
  EXPECT_EQ(ended(Outcome::kStop), 1);
  EXPECT_EQ(ended(Outcome::kLength), 1);
  EXPECT_EQ(ended(Outcome::kCancelled), 1);
  EXPECT_EQ(ended(Outcome::kFailed), 0);
  EXPECT_EQ(timings.request.count(), 3);
  EXPECT_EQ(timings.queue.count(), 2);
  EXPECT_EQ(timings.first_token.count(), 2);
  const EngineStats stats = engine_->stats();
  EXPECT_EQ(timings.inter_token.count(), stats.completion_tokens - 2);
  EXPECT_EQ(timings.step.count(), stats.steps);
  EXPECT_EQ(timings.step_tokens.count(), stats.steps);
  // Every token but a request's first takes one row, that of the token before it; so does the end
  // of generation, which does not count as a token.
  EXPECT_EQ(timings.step_tokens.sum,
            static_cast<double>(stats.prompt_tokens + timings.inter_token.count() + 1));
  EXPECT_GE(timings.request.sum, timings.first_token.sum);
}

}  // namespace
}  // namespace chasqui::engine
