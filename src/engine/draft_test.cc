// Speculative decoding must not be seen in any answer: each request here is asked of an engine
// without drafts and of one with them, and everything but the time must agree.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "engine/internal/test_support.h"

namespace chasqui::engine {
namespace {

using namespace testing;

// Likes to go round in circles of seven bytes, with a word of its own now and then.
int32_t circles(std::span<const int32_t> tokens) {
  if (tokens.size() % 23 == 0) return word(" world");
  return kFirstByte + 'a' + static_cast<int32_t>(tokens.size() % 7);
}

struct Asked {
  Event event;
  EngineStats stats;
};

class DraftTest : public ::testing::Test {
 protected:
  using Change = std::function<void(Request&)>;

  Asked ask(int64_t draft_tokens, const Change& change) {
    Engine engine(std::make_unique<FakeRunner>(runner_, next_), byte_tokenizer(),
                  {.draft_tokens = draft_tokens});
    auto sink = std::make_shared<Collector>();
    Request request = greedy(bytes_of("xabcdefgabcdefg"), 80, sink);
    request.sampling.seed = 5;
    request.top_logprobs = 2;
    change(request);
    EXPECT_TRUE(engine.submit(std::move(request)));
    Asked asked{sink->wait(), {}};
    asked.stats = engine.stats();
    EXPECT_EQ(asked.stats.drafted_tokens, asked.event.usage.drafted_tokens);
    EXPECT_EQ(asked.stats.accepted_tokens, asked.event.usage.accepted_tokens);
    return asked;
  }

  // The one with drafts, after comparing.
  Asked same_with_drafts(const Change& change) {
    const Asked plain = ask(0, change);
    Asked drafted = ask(6, change);
    EXPECT_EQ(plain.event.usage.drafted_tokens, 0);
    EXPECT_EQ(drafted.event.text, plain.event.text);
    EXPECT_EQ(drafted.event.finish, plain.event.finish);
    EXPECT_EQ(drafted.event.stop_text, plain.event.stop_text);
    EXPECT_EQ(drafted.event.usage.completion_tokens, plain.event.usage.completion_tokens);
    EXPECT_EQ(drafted.stats.completion_tokens, plain.stats.completion_tokens);
    EXPECT_EQ(drafted.event.error.has_value(), plain.event.error.has_value());
    expect_equal_tokens(drafted.event.tokens, plain.event.tokens);
    return drafted;
  }

  static void expect_equal_tokens(const std::vector<TokenOutput>& a,
                                  const std::vector<TokenOutput>& b) {
    ASSERT_EQ(a.size(), b.size());
    for (size_t i = 0; i < a.size(); ++i) {
      EXPECT_EQ(a[i].token, b[i].token) << i;
      EXPECT_EQ(a[i].text, b[i].text) << i;
      EXPECT_EQ(a[i].logprob, b[i].logprob) << i;
      EXPECT_EQ(a[i].top.size(), b[i].top.size()) << i;
    }
  }

  FakeRunner::Next next_ = circles;
  FakeRunner::Options runner_;
};

TEST_F(DraftTest, FewerStepsForTheSameAnswer) {
  const Asked asked = same_with_drafts([](Request&) {});
  EXPECT_EQ(asked.event.usage.completion_tokens, 80);
  EXPECT_GT(asked.event.usage.accepted_tokens, 40);
  EXPECT_LT(asked.event.usage.accepted_tokens, asked.event.usage.drafted_tokens);
  EXPECT_LE(asked.stats.steps, 81 - asked.event.usage.accepted_tokens);
}

TEST_F(DraftTest, EveryTemperatureAndPenalty) {
  for (const float temperature : {0.0f, 0.5f, 3.0f, 6.0f}) {
    for (const float penalty : {1.0f, 1.3f}) {
      for (const uint64_t seed : {1, 2, 3}) {
        SCOPED_TRACE(temperature);
        same_with_drafts([&](Request& request) {
          request.sampling.temperature = temperature;
          request.sampling.repeat_penalty = penalty;
          request.sampling.frequency_penalty = penalty - 1.0f;
          request.sampling.seed = seed;
        });
      }
    }
  }
}

TEST_F(DraftTest, MirostatKeepsItsState) {
  for (const int mode : {1, 2}) {
    same_with_drafts([mode](Request& request) {
      request.sampling.temperature = 3.0f;
      request.sampling.mirostat_mode = mode;
    });
  }
}

// Wherever the end lies in a draft.
TEST_F(DraftTest, EndsInsideADraft) {
  for (int64_t most = 1; most < 20; ++most) {
    const Asked asked = same_with_drafts([most](Request& request) { request.max_tokens = most; });
    EXPECT_EQ(asked.event.usage.completion_tokens, most);
  }
  for (size_t length = 30; length < 45; ++length) {
    next_ = [length](std::span<const int32_t> tokens) {
      return tokens.size() == length ? kEos : circles(tokens);
    };
    EXPECT_EQ(same_with_drafts([](Request&) {}).event.finish, FinishReason::kStop);
  }
  next_ = circles;
  for (const char* stop : {"gab", "cdef", "world", "fgabcdefgab"}) {
    const Asked asked = same_with_drafts([stop](Request& request) {
      request.stops = {stop};
      request.min_tokens = 20;
    });
    EXPECT_EQ(asked.event.stop_text, stop);
  }
}

// A filter that sees each token once and in order, and allows what it counts.
class AlternatingFilter final : public sample::TokenFilter {
 public:
  void apply(std::span<float> logits) override {
    for (size_t i = 0; i < logits.size(); ++i) {
      const bool allowed = i >= kFirstByte && i < kFirstWord && i % 2 == seen_ % 2;
      if (!allowed) logits[i] = -std::numeric_limits<float>::infinity();
    }
  }
  void accept(int32_t token) override {
    EXPECT_EQ(static_cast<size_t>(token) % 2, seen_ % 2);
    ++seen_;
  }
  bool finished() override { return seen_ == 50; }

 private:
  size_t seen_ = 0;
};

TEST_F(DraftTest, AFilterSeesOnlyWhatWasSampled) {
  const Asked asked = same_with_drafts(
      [](Request& request) { request.filter = std::make_shared<AlternatingFilter>(); });
  EXPECT_EQ(asked.event.usage.completion_tokens, 50);
}

TEST_F(DraftTest, ALogitThatIsNoNumberBehindAWrongGuessIsNotSeen) {
  // Broken for every text that holds "gg", which only wrong guesses spell.
  next_ = [](std::span<const int32_t> tokens) {
    for (size_t i = 1; i < tokens.size(); ++i) {
      const bool broken = tokens[i] == tokens[i - 1] && tokens[i] == kFirstByte + 'g';
      if (broken) return FakeRunner::kNaN;
    }
    return circles(tokens);
  };
  EXPECT_FALSE(same_with_drafts([](Request&) {}).event.error);
  next_ = [](std::span<const int32_t> tokens) {
    return tokens.size() > 40 ? FakeRunner::kNaN : circles(tokens);
  };
  EXPECT_TRUE(same_with_drafts([](Request&) {}).event.error);
}

TEST_F(DraftTest, OneRowOfLogitsLeavesNoRoomAndHarmsNothing) {
  runner_.max_logit_rows = 1;
  EXPECT_EQ(same_with_drafts([](Request&) {}).event.usage.drafted_tokens, 0);
  runner_.max_logit_rows = 16;
  runner_.window = 20;
  EXPECT_GT(same_with_drafts([](Request&) {}).event.usage.accepted_tokens, 0);
}

// Alone, every answer is guessed ahead; among many, none is: their step is large enough.
TEST_F(DraftTest, LargeStepsGetNoDrafts) {
  auto fake = std::make_unique<FakeRunner>(runner_, circles);
  const FakeRunner& runner = *fake;
  Engine engine(std::move(fake), byte_tokenizer(), {.draft_tokens = 6});
  std::vector<std::shared_ptr<Collector>> sinks;
  for (int i = 0; i < 12; ++i) {
    sinks.push_back(std::make_shared<Collector>());
    EXPECT_TRUE(engine.submit(greedy(bytes_of("xabcdefgabcdefg"), 40, sinks.back())));
  }
  const std::string text = ask(0, [](Request& request) { request.max_tokens = 40; }).event.text;
  for (const auto& sink : sinks) EXPECT_EQ(sink->wait().text, text);
  EXPECT_LE(runner.largest_logit_request, 12);
}

TEST_F(DraftTest, RecurrentStatesCannotTakeAGuessBackSoThereIsNone) {
  runner_.states = 64;
  next_ = circles;
  const Asked asked = same_with_drafts([](Request&) {});
  EXPECT_EQ(asked.stats.drafted_tokens, 0);
}

}  // namespace
}  // namespace chasqui::engine
