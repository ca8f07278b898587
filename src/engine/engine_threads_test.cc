// Many requests from many threads, and what must not depend on it. Built with
// CHASQUI_SANITIZE=thread these are the tests that look for races.
#include <gtest/gtest.h>

#include <map>
#include <thread>

#include "base/rng.h"
#include "engine/engine.h"
#include "engine/internal/test_support.h"

namespace chasqui::engine {
namespace {

using namespace testing;

struct World {
  EngineOptions options;
  FakeRunner::Options runner;
};

std::unique_ptr<Engine> make_engine(const World& world) {
  return std::make_unique<Engine>(std::make_unique<FakeRunner>(world.runner), byte_tokenizer(),
                                  world.options);
}

// Request number `n`, the same every time: shared prefixes, random sampling with a seed of its
// own, some with stops, log-probabilities, prompt log-probabilities, or as embeddings.
Request numbered(uint64_t n, std::shared_ptr<Collector> sink) {
  Rng rng(n);
  std::string text = rng.below(2) == 0 ? "You are a llama. Carry the load over the pass. " : "";
  for (uint64_t i = 0, size = rng.below(60) + 1; i < size; ++i) {
    text += static_cast<char>('a' + rng.below(26));
  }
  Request request;
  request.prompt = bytes_of(text);
  request.max_tokens = static_cast<int64_t>(rng.below(20));
  request.sampling.seed = n;
  request.sampling.temperature = 1.5f;
  request.sampling.top_k = 0;
  if (rng.below(3) == 0) request.stops = {"a", "é"};
  if (rng.below(3) == 0) request.top_logprobs = 2;
  request.prompt_logprobs = rng.below(6) == 0;
  if (rng.below(6) == 0) request.kind = RequestKind::kEmbed;
  request.pooling = static_cast<Pooling>(rng.below(3));
  request.priority = static_cast<int>(rng.below(2));
  request.sink = std::move(sink);
  return request;
}

// Everything in an answer that must not depend on company.
struct Essence {
  std::string text;
  std::vector<std::pair<int32_t, float>> tokens;
  std::vector<float> embedding;
  std::optional<FinishReason> finish;
  int64_t completion_tokens = 0;
  bool operator==(const Essence&) const = default;
};

Essence essence(const Event& event) {
  Essence e{event.text, {}, event.embedding, event.finish, event.usage.completion_tokens};
  for (const TokenOutput& token : event.tokens) {
    // NaN differs from itself; the first prompt token has no log-probability.
    e.tokens.emplace_back(token.token, token.logprob == token.logprob ? token.logprob : 1.0f);
  }
  return e;
}

std::vector<Essence> alone(uint64_t requests) {
  const auto engine = make_engine({});
  std::vector<Essence> answers;
  for (uint64_t n = 0; n < requests; ++n) {
    auto sink = std::make_shared<Collector>();
    EXPECT_TRUE(engine->submit(numbered(n, sink)));
    answers.push_back(essence(sink->wait()));
  }
  return answers;
}

std::vector<Essence> together(const World& world, uint64_t requests, int threads) {
  const auto engine = make_engine(world);
  std::vector<std::shared_ptr<Collector>> sinks(requests);
  for (auto& sink : sinks) sink = std::make_shared<Collector>();
  std::vector<std::thread> clients;
  for (int t = 0; t < threads; ++t) {
    clients.emplace_back([&, t] {
      for (auto n = static_cast<uint64_t>(t); n < requests; n += static_cast<uint64_t>(threads)) {
        const auto id = engine->submit(numbered(n, sinks[n]));
        EXPECT_TRUE(id) << id.error().message;
        engine->stats();
      }
    });
  }
  for (auto& client : clients) client.join();
  std::vector<Essence> answers;
  for (auto& sink : sinks) answers.push_back(essence(sink->wait()));
  return answers;
}

constexpr uint64_t kRequests = 200;

TEST(EngineThreads, SeedsGiveTheSameAnswersAloneAndInAnyCompany) {
  const std::vector<Essence> expected = alone(kRequests);
  const std::map<std::string, World> worlds = {
      {"room for all", {{.max_sequences = 64}, {.max_logit_rows = 64}}},
      {"small steps", {{.max_sequences = 8, .max_batch_tokens = 9, .prefill_chunk = 4}, {}}},
      {"tiny cache", {{.max_sequences = 12, .prefill_chunk = 16}, {.blocks = 14}}},
      {"with a window", {{.max_sequences = 12, .prefill_chunk = 16}, {.blocks = 24, .window = 20}}},
      {"with states", {{.max_sequences = 12, .prefill_chunk = 16}, {.blocks = 40, .states = 40}}},
      {"with few states", {{.max_sequences = 12, .prefill_chunk = 7}, {.blocks = 40, .states = 9}}},
      {"no prefix cache", {{.max_sequences = 16, .prefix_cache = false}, {}}},
  };
  for (const auto& [name, world] : worlds) {
    SCOPED_TRACE(name);
    const std::vector<Essence> got = together(world, kRequests, 4);
    for (uint64_t n = 0; n < kRequests; ++n) EXPECT_EQ(got[n], expected[n]) << "request " << n;
  }
}

TEST(EngineThreads, CancelsFromOtherThreadsEndExactlyTheirRequests) {
  const auto engine = make_engine({{.max_sequences = 8, .prefill_chunk = 16}, {.blocks = 20}});
  std::vector<std::thread> clients;
  std::atomic<int> cancelled{0};
  for (uint64_t t = 0; t < 4; ++t) {
    clients.emplace_back([&, t] {
      Rng rng(t);
      for (int i = 0; i < 50; ++i) {
        auto sink = std::make_shared<Collector>();
        const auto id = engine->submit(numbered(rng.below(1000), sink));
        ASSERT_TRUE(id);
        const bool cancel = rng.below(2) == 0;
        if (cancel) engine->cancel(*id);
        const Event event = sink->wait();
        EXPECT_TRUE(cancel || event.finish != FinishReason::kCancelled);
        EXPECT_FALSE(event.error) << event.error->message;
        cancelled += event.finish == FinishReason::kCancelled ? 1 : 0;
      }
    });
  }
  for (auto& client : clients) client.join();
  EXPECT_GT(cancelled, 0);
  while (!engine->idle()) std::this_thread::yield();
  EXPECT_EQ(engine->stats().blocks_in_use, 0);
  EXPECT_EQ(engine->stats().running, 0);
}

TEST(EngineThreads, DestructionUnderLoadEndsEveryRequest) {
  for (uint64_t round = 0; round < 10; ++round) {
    auto engine = make_engine({{.max_sequences = 4}, {}});
    std::vector<std::shared_ptr<Collector>> sinks;
    for (uint64_t n = 0; n < 30; ++n) {
      sinks.push_back(std::make_shared<Collector>());
      ASSERT_TRUE(engine->submit(numbered(n, sinks.back())));
    }
    engine.reset();
    for (const auto& sink : sinks) sink->wait();
  }
}

// Asks until the engine refuses; every request that it took must end.
void ask_until_refused(Engine& engine, uint64_t first) {
  for (uint64_t n = first; n < 60; n += 3) {
    const auto sink = std::make_shared<Collector>();
    const auto id = engine.submit(numbered(n, sink));
    if (!id) {
      EXPECT_EQ(id.error().code, ErrorCode::kCancelled);
      return;
    }
    const Event event = sink->wait();
    EXPECT_TRUE(!event.error || event.error->code == ErrorCode::kCancelled);
  }
}

TEST(EngineThreads, StopEndsEveryRequestWhileOthersSubmit) {
  for (uint64_t round = 0; round < 10; ++round) {
    const auto engine = make_engine({{.max_sequences = 4}, {}});
    std::vector<std::thread> clients;
    for (uint64_t client = 0; client < 3; ++client) {
      clients.emplace_back([&engine, client] { ask_until_refused(*engine, client); });
    }
    std::this_thread::sleep_for(std::chrono::microseconds(300 * round));
    engine->stop();
    for (auto& client : clients) client.join();
    while (!engine->idle()) std::this_thread::yield();  // counted after the last event
    EXPECT_FALSE(engine->submit(numbered(1, std::make_shared<Collector>())));
  }
}

TEST(EngineThreads, AnIdleEngineSleeps) {
  const auto engine = make_engine({});
  auto sink = std::make_shared<Collector>();
  ASSERT_TRUE(engine->submit(numbered(1, sink)));
  sink->wait();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  const clock_t before = clock();
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  // Processor time of the whole process; a spinning thread would use all 300 ms.
  EXPECT_LT(static_cast<double>(clock() - before) / CLOCKS_PER_SEC, 0.05);
}

}  // namespace
}  // namespace chasqui::engine
