// A draft model of any quality changes nothing but the time: right or wrong, with too little cache,
// padded differently, damaged, or out of memory.
#include "engine/internal/model_drafts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <new>

#include "base/rng.h"
#include "engine/grammar_filter.h"
#include "engine/internal/test_support.h"

namespace chasqui::engine {
namespace {

using namespace testing;

// A text without visible rule: nothing repeats for a lookup to find.
int32_t wander(std::span<const int32_t> tokens) {
  uint64_t state = tokens.size() * 31 + static_cast<uint64_t>(tokens.back());
  return kFirstByte + 'a' + static_cast<int32_t>(splitmix64(state) % 26);
}

// Right but for each `period`-th position.
FakeRunner::Next wrong_every(size_t period) {
  return [period](std::span<const int32_t> tokens) {
    return tokens.size() % period == 0 ? kFirstByte + '?' : wander(tokens);
  };
}

// Counts what it is asked for, and can fail.
class CountingRunner final : public FakeRunner {
 public:
  struct Counts {
    std::atomic<int64_t> calls = 0;
    std::atomic<int64_t> rows = 0;
    std::atomic<int64_t> largest = 0;
  };
  CountingRunner(Options options, Next next, std::shared_ptr<Counts> counts, int64_t fails_every)
      : FakeRunner(options, std::move(next)),
        counts_(std::move(counts)),
        fails_every_(fails_every) {}

  model::StepOutputs forward(const model::StepInputs& inputs) override {
    const auto rows = static_cast<int64_t>(inputs.tokens.size());
    ++counts_->calls;
    counts_->rows += rows;
    counts_->largest = std::max(counts_->largest.load(), rows);
    if (fails_every_ > 0 && counts_->calls % fails_every_ == 0) throw std::bad_alloc();
    return FakeRunner::forward(inputs);
  }

 private:
  const std::shared_ptr<Counts> counts_;
  const int64_t fails_every_;
};

// Logits of another width: padding behind the vocabulary, or some of its last tokens missing.
class OtherWidth final : public FakeRunner {
 public:
  OtherWidth(Options options, Next next, int32_t width)
      : FakeRunner(options, std::move(next)), width_(width) {}
  int32_t vocab_size() const override { return width_; }
  model::StepOutputs forward(const model::StepInputs& inputs) override {
    for (const int32_t id : inputs.tokens) EXPECT_LT(id, width_) << "there is no row for it";
    const model::StepOutputs outputs = FakeRunner::forward(inputs);
    const size_t rows = outputs.logits.size() / static_cast<size_t>(kVocabulary);
    wide_.assign(rows * static_cast<size_t>(width_), 0.5f);
    for (size_t row = 0; row < rows; ++row) {
      const auto logits = outputs.logits.subspan(row * static_cast<size_t>(kVocabulary));
      std::copy_n(logits.begin(), std::min(width_, kVocabulary),
                  wide_.begin() + static_cast<ptrdiff_t>(row) * width_);
    }
    return {wide_, outputs.hidden};
  }

 private:
  const int32_t width_;
  std::vector<float> wide_;
};

struct Answer {
  std::string text;
  std::vector<std::pair<int32_t, float>> tokens;
  std::optional<FinishReason> finish;
  int64_t completion_tokens = 0;
  bool operator==(const Answer&) const = default;
};

using Draft = std::function<std::unique_ptr<ModelRunner>()>;

class ModelDraftsTest : public ::testing::Test {
 protected:
  Draft counting(FakeRunner::Next next, FakeRunner::Options options = {}, int64_t fails_every = 0) {
    return
        [=, this] { return std::make_unique<CountingRunner>(options, next, counts_, fails_every); };
  }

  std::unique_ptr<Engine> start(const Draft& draft) const {
    EngineOptions options = options_;
    options.draft_tokens = draft ? 5 : 0;
    return std::make_unique<Engine>(std::make_unique<FakeRunner>(runner_, next_), byte_tokenizer(),
                                    options, draft ? draft() : nullptr);
  }

  // Number `n`, the same every time.
  Request numbered(uint64_t n, std::shared_ptr<Collector> sink) const {
    Rng rng(n);
    std::string text = rng.below(2) == 0 ? "You are a llama. Carry the load over the pass. " : "";
    for (uint64_t i = 0, size = rng.below(40) + 1; i < size; ++i) {
      text += static_cast<char>('a' + rng.below(26));
    }
    Request request = greedy(bytes_of(text), static_cast<int64_t>(rng.below(40)), std::move(sink));
    request.sampling.seed = n;
    request.sampling.temperature = rng.below(3) == 0 ? 0.0f : 5.0f;
    if (rng.below(3) == 0) request.sampling.repeat_penalty = 1.3f;
    if (rng.below(5) == 0) request.sampling.mirostat_mode = static_cast<int>(rng.below(2)) + 1;
    if (rng.below(3) == 0) request.stops = {"ab", "q", "é"};
    if (rng.below(3) == 0) request.top_logprobs = 2;
    if (rng.below(4) == 0) request.filter = make_grammar_filter(grammar_);
    request.prompt_logprobs = rng.below(8) == 0;
    if (rng.below(8) == 0) request.kind = RequestKind::kEmbed;
    request.use_prefix_cache = rng.below(6) != 0;
    request.priority = static_cast<int>(rng.below(2));
    return request;
  }

  std::vector<Answer> ask_all(Engine& engine, uint64_t count, bool together) const {
    std::vector<std::shared_ptr<Collector>> sinks;
    std::vector<Answer> answers;
    for (uint64_t n = 0; n < count; ++n) {
      sinks.push_back(std::make_shared<Collector>());
      const auto submitted = engine.submit(numbered(n, sinks.back()));
      EXPECT_TRUE(submitted);
      if (!together) sinks.back()->wait();
      if (together && n % 9 == 8) engine.cancel(*submitted);
    }
    for (uint64_t n = 0; n < count; ++n) {
      const Event event = sinks[n]->wait();
      EXPECT_FALSE(event.error);
      if (together && n % 9 == 8) {
        answers.emplace_back();
        continue;
      }
      answers.push_back({event.text, {}, event.finish, event.usage.completion_tokens});
      for (const TokenOutput& token : event.tokens) {
        // Of the first token of a prompt there is none.
        const bool is_number = token.logprob == token.logprob;
        answers.back().tokens.emplace_back(token.token, is_number ? token.logprob : 1.0f);
      }
    }
    return answers;
  }

  // Random requests, alone and together, answered as without drafts. The statistics of the latter.
  EngineStats same_as_plain(const Draft& draft) const {
    constexpr uint64_t kRequests = 60;
    const auto plain = ask_all(*start(nullptr), kRequests, false);
    const auto alone = ask_all(*start(draft), kRequests, false);
    const auto engine = start(draft);
    const auto together = ask_all(*engine, kRequests, true);
    for (uint64_t n = 0; n < kRequests; ++n) {
      EXPECT_EQ(alone[n], plain[n]) << n;
      if (n % 9 != 8) {
        EXPECT_EQ(together[n], plain[n]) << n;
      }
    }
    return engine->stats();
  }

  // One greedy answer of `tokens`; everything that the engine counted for it.
  EngineStats one_answer(const Draft& draft, int64_t tokens, float temperature = 0.0f) const {
    const auto engine = start(draft);
    const auto sink = std::make_shared<Collector>();
    Request request = greedy(bytes_of("once upon a time"), tokens, sink);
    request.sampling.temperature = temperature;
    request.sampling.seed = 3;
    EXPECT_TRUE(engine->submit(std::move(request)));
    EXPECT_EQ(sink->wait().usage.completion_tokens, tokens);
    return engine->stats();
  }

  const grammar::GrammarPtr grammar_ = *grammar::compile_regex(
      "(name|[0-9]{2,3}x|hello world)+!", grammar::TokenTable::build(*byte_tokenizer()));
  FakeRunner::Next next_ = wander;
  FakeRunner::Options runner_;
  EngineOptions options_{.max_sequences = 5, .prefill_chunk = 16};
  std::shared_ptr<CountingRunner::Counts> counts_ = std::make_shared<CountingRunner::Counts>();
};

TEST_F(ModelDraftsTest, TheSameModelIsRightAtEveryTemperature) {
  for (const float temperature : {0.0f, 0.7f, 3.0f, 50.0f}) {
    const EngineStats stats = one_answer(counting(wander), 60, temperature);
    EXPECT_EQ(stats.accepted_tokens, stats.drafted_tokens) << temperature;
    EXPECT_LE(stats.steps, 16) << temperature;
  }
}

TEST_F(ModelDraftsTest, RandomRequestsAreAnsweredTheSame) {
  for (const size_t period : {1, 3, 7, 1000}) {
    const EngineStats stats = same_as_plain(counting(wrong_every(period)));
    EXPECT_GT(stats.drafted_tokens, 0) << period;
    EXPECT_GT(stats.accepted_tokens, 0) << period;
    // Who is cancelled when depends on the threads, and the last draft is hardly ever wrong.
    if (period < 10) {
      EXPECT_LT(stats.accepted_tokens, stats.drafted_tokens) << period;
    }
  }
}

TEST_F(ModelDraftsTest, PreemptionAndWindowsOfEitherModel) {
  runner_.blocks = 9;
  EXPECT_GT(same_as_plain(counting(wrong_every(5))).preemptions, 0);
  EXPECT_GT(same_as_plain(counting(wrong_every(5), {.window = 20})).accepted_tokens, 0);
}

// Its cache holds one or two of the sequences that it is asked for.
TEST_F(ModelDraftsTest, ACacheTooSmallForAll) {
  EXPECT_GT(same_as_plain(counting(wrong_every(5), {.blocks = 9})).accepted_tokens, 0);
  same_as_plain(counting(wrong_every(5), {.blocks = 1}));
}

TEST_F(ModelDraftsTest, OutputsPaddedDifferently) {
  for (const int32_t width : {kVocabulary + 7, kVocabulary - 3}) {
    const EngineStats stats = same_as_plain(
        [=] { return std::make_unique<OtherWidth>(FakeRunner::Options{}, wander, width); });
    EXPECT_GT(stats.accepted_tokens, 0);
  }
}

// Most prompts and answers have letters behind "m".
TEST_F(ModelDraftsTest, NothingIsGuessedBehindTokensThatTheDraftModelLacks) {
  const auto small = [] {
    return std::make_unique<OtherWidth>(FakeRunner::Options{}, wander, kFirstByte + 'm');
  };
  EXPECT_EQ(same_as_plain(small).accepted_tokens, 0);
}

TEST_F(ModelDraftsTest, ADamagedModelOrNoMemoryCostsTheDraftsOnly) {
  const auto broken = [](std::span<const int32_t>) { return FakeRunner::kNaN; };
  EXPECT_EQ(same_as_plain(counting(broken)).drafted_tokens, 0);
  EXPECT_GT(same_as_plain(counting(wander, {}, 4)).accepted_tokens, 0);
}

// What a draft that is never right may cost: some rows of both models.
TEST_F(ModelDraftsTest, ABadDraftIsLeftAlone) {
  options_.prefill_chunk = 256;
  const EngineStats stats = one_answer(counting(wrong_every(1)), 400);
  EXPECT_EQ(stats.accepted_tokens, 0);
  EXPECT_LE(stats.drafted_tokens, 16);
  EXPECT_LE(counts_->calls, 20) << "after the longest pauses reading takes two";
  EXPECT_LE(counts_->rows, 16 + 400 + 20) << "each token is read once, after a pause all together";
}

// It reads a long prompt in pieces, so nobody waits for the whole of it.
TEST_F(ModelDraftsTest, ALongPromptIsReadInPieces) {
  const auto engine = start(counting(wander));
  const auto sink = std::make_shared<Collector>();
  const std::string text(200, 'x');
  EXPECT_TRUE(engine->submit(greedy(bytes_of(text), 60, sink)));
  EXPECT_GT(sink->wait().usage.accepted_tokens, 0);
  EXPECT_LE(counts_->largest, options_.prefill_chunk);
}

// The shared beginning of two prompts is read once.
TEST_F(ModelDraftsTest, PrefixesAreShared) {
  const auto engine = start(counting(wander));
  for (int round = 0; round < 2; ++round) {
    const int64_t before = counts_->rows;
    const auto sink = std::make_shared<Collector>();
    EXPECT_TRUE(engine->submit(greedy(bytes_of(std::string(60, 'x')), 20, sink)));
    sink->wait();
    EXPECT_EQ(counts_->rows - before < 50, round == 1);
  }
}

}  // namespace
}  // namespace chasqui::engine
