// The promise that results do not depend on company, through the real engine on the real CPU
// backend: the same request alone, in small chunks, among strangers, after a prefix hit, and after
// being preempted, or with drafts to verify, gives the same tokens and the same log-probabilities,
// bit for bit.
#include <gtest/gtest.h>

#include <array>
#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <thread>

#include "app/loaded_model.h"
#include "app/memory_plan.h"
#include "app/serving_model.h"
#include "support/answers.h"
#include "support/tiny_model.h"

namespace chasqui {
namespace {

using testing::TemporaryFile;
using testing::TinyModel;

using testing::Answer;
using testing::Collector;
using testing::kAnswerTokens;
using testing::make_request;

class Determinism : public ::testing::TestWithParam<DType> {
 protected:
  Determinism() : file_(".gguf") {
    testing::write_tiny_model(
        {.layers = 3, .hidden = 256, .heads = 4, .kv_heads = 2, .ffn = 512, .type = GetParam()},
        file_.path());
    settings_ = app::default_settings();
    settings_.n_threads = 2;
    settings_.n_ctx = 256;
  }

  std::shared_ptr<engine::Engine> start() {
    auto served = app::start_serving(file_.path(), settings_);
    EXPECT_TRUE(served) << served.error().message;
    return served->engine;
  }

  TemporaryFile file_;
  app::Settings settings_;
};

TEST_P(Determinism, PrefixHitsAndChunksChangeNothing) {
  const auto engine = start();
  const Answer alone = testing::ask(*engine, 150, 1);
  int64_t cached = 0;
  EXPECT_EQ(testing::ask(*engine, 150, 1, &cached), alone);
  EXPECT_GE(cached, 128);

  settings_.n_batch = 16;
  settings_.prefill_chunk = 5;
  settings_.n_parallel = 4;
  const auto chunked = start();
  EXPECT_EQ(testing::ask(*chunked, 150, 1), alone);
}

TEST_P(Determinism, StrangersAndPreemptionChangeNothing) {
  std::vector<Answer> alone;
  {
    const auto engine = start();
    for (uint64_t seed = 0; seed < 12; ++seed) {
      alone.push_back(testing::ask(*engine, 20 + static_cast<int64_t>(seed) * 11, seed));
    }
  }
  // First with room for all, then with so little that some must give way.
  for (const int64_t kv_tokens : {0, 400}) {
    settings_.kv_tokens = kv_tokens;
    const auto engine = start();
    std::vector<std::shared_ptr<Collector>> sinks;
    for (uint64_t seed = 0; seed < 12; ++seed) {
      sinks.push_back(std::make_shared<Collector>());
      const int64_t length = 20 + static_cast<int64_t>(seed) * 11;
      ASSERT_TRUE(engine->submit(make_request(length, seed, sinks.back())));
    }
    for (size_t i = 0; i < sinks.size(); ++i) {
      sinks[i]->wait();
      EXPECT_EQ(sinks[i]->answer(), alone[i]) << i;
    }
    if (kv_tokens != 0) {
      EXPECT_GT(engine->stats().preemptions, 0);
    }
  }
}

// Prompts of 100 tokens, of which the caches know all whole blocks or nothing.
void ask_all(engine::Engine& engine, const std::vector<Answer>& expected, bool known) {
  for (uint64_t seed = 0; seed < expected.size(); ++seed) {
    int64_t cached = 0;
    EXPECT_EQ(testing::ask(engine, 100, seed, &cached), expected[seed]);
    EXPECT_EQ(cached >= 96, known) << cached;
    EXPECT_EQ(cached == 0, !known) << cached;
  }
}

// A second tier in a folder, under a first one with room for little: what is loaded is what was
// computed, in this engine and in the next.
TEST_P(Determinism, SecondTiersChangeNothing) {
  std::vector<Answer> alone;
  {
    const auto engine = start();
    for (uint64_t seed = 0; seed < 6; ++seed) alone.push_back(testing::ask(*engine, 100, seed));
  }
  settings_.cache = true;
  settings_.cache_dir = file_.path() + ".cache";
  for (const char* type : {"ram", "disk"}) {
    settings_.cache_type = type;
    settings_.kv_tokens = 400;
    for (int round = 0; round < 2; ++round) {
      SCOPED_TRACE(std::string(type) + " " + std::to_string(round));
      const auto engine = start();
      ask_all(*engine, alone, round > 0 && settings_.cache_type == "disk");
      ask_all(*engine, alone, true);
      // Only what an engine that has ended was to keep is certain to be kept.
      if (round > 0 && settings_.cache_type == "disk") {
        EXPECT_GT(engine->stats().tier_loaded_blocks, 20);
      }
      EXPECT_EQ(engine->stats().tier_damaged_blocks, 0);
    }
  }
  std::filesystem::remove_all(settings_.cache_dir);
}

// Small alphabets repeat themselves, so that some guesses are right and some are wrong.
engine::Request make_repetitive(uint64_t seed, float temperature, std::shared_ptr<Collector> sink) {
  engine::Request request = make_request(40, seed, std::move(sink));
  for (size_t i = 0; i < request.prompt.size(); ++i) {
    request.prompt[i] = static_cast<int32_t>(3 + (i * (seed + 1)) % 5);
  }
  request.sampling.temperature = temperature;
  request.sampling.repeat_penalty = 1.0f;
  request.sampling.logit_bias = {{3, 14.0f}, {4, 14.0f}, {5, 14.0f}};
  return request;
}

struct Drafting {
  std::string draft_model;
  bool together = true;
  int64_t kv_tokens = 0;
};

TEST_P(Determinism, DraftsChangeNothing) {
  const TemporaryFile other(".gguf");
  testing::write_tiny_model({.layers = 1, .hidden = 256, .heads = 4, .seed = 7}, other.path());
  const std::string lookup = "prompt-lookup-decoding";
  const std::string same = file_.path();
  std::vector<Answer> plain;
  // Without drafts; with them, one after the other and all together; and with little cache.
  for (const Drafting& drafting :
       {Drafting{"", false}, Drafting{lookup, false}, Drafting{lookup}, Drafting{lookup, true, 300},
        Drafting{other.path(), false}, Drafting{other.path(), true, 300}, Drafting{same, false},
        Drafting{same}, Drafting{same, true, 300}}) {
    SCOPED_TRACE(drafting.draft_model);
    settings_.draft_model = drafting.draft_model;
    settings_.kv_tokens = drafting.kv_tokens;
    const auto engine = start();
    std::vector<std::shared_ptr<Collector>> sinks;
    for (uint64_t i = 0; i < 6; ++i) {
      const float temperature = std::array{0.0f, 0.7f, 1.5f}[i % 3];
      sinks.push_back(std::make_shared<Collector>());
      ASSERT_TRUE(engine->submit(make_repetitive(i, temperature, sinks.back())));
      if (!drafting.together) sinks.back()->wait();
    }
    for (size_t i = 0; i < sinks.size(); ++i) {
      sinks[i]->wait();
      Answer answer{sinks[i]->tokens(), sinks[i]->logprobs()};
      if (drafting.draft_model.empty()) {
        plain.push_back(std::move(answer));
      } else {
        EXPECT_EQ(answer, plain[i]) << "request " << i;
      }
    }
    const engine::EngineStats stats = engine->stats();
    EXPECT_EQ(stats.completion_tokens, 6 * kAnswerTokens);
    EXPECT_EQ(stats.drafted_tokens > 0, !drafting.draft_model.empty());
    EXPECT_EQ(stats.accepted_tokens > 0, !drafting.draft_model.empty());
    if (drafting.draft_model == same) {
      // It does not hear of ignore_eos, so a few guesses miss.
      EXPECT_GE(100 * stats.accepted_tokens, 95 * stats.drafted_tokens);
    } else if (stats.drafted_tokens > 0) {
      EXPECT_LT(stats.accepted_tokens, stats.drafted_tokens) << "no guess was wrong";
    }
    if (drafting.together && drafting.kv_tokens == 300) {
      EXPECT_GT(stats.preemptions, 0);
    }
  }
}

TEST(DraftModel, MustHaveTheModelsVocabulary) {
  const TemporaryFile model(".gguf");
  const TemporaryFile draft(".gguf");
  testing::write_tiny_model({}, model.path());
  app::Settings settings = app::default_settings();
  settings.draft_model = draft.path() + ".missing";
  const auto refused = [&](const char* why) {
    const auto served = app::start_serving(model.path(), settings);
    ASSERT_FALSE(served);
    EXPECT_EQ(served.error().param, "draft_model");
    EXPECT_NE(served.error().message.find(why), std::string::npos) << served.error().message;
  };
  refused("there is no file");
  settings.draft_model = draft.path();
  testing::write_tiny_model({.vocab = 310}, draft.path());
  refused("it has 310 tokens, the model 300, and token 300, ");
}

TEST(DraftModel, ItsCacheCountsInTheMemoryPlan) {
  const TemporaryFile model(".gguf");
  const TemporaryFile draft(".gguf");
  testing::write_tiny_model({}, model.path());
  testing::write_tiny_model({.layers = 1}, draft.path());
  app::Settings settings = app::default_settings();
  const auto plan_of = [&](const std::string& path) {
    const auto file = gguf::File::open(path);
    return app::plan_memory(*file, *model::read_spec(*file), settings);
  };
  const app::MemoryPlan alone = plan_of(model.path());
  const app::MemoryPlan both = app::together(alone, plan_of(draft.path()));
  EXPECT_EQ(2 * both.kv_bytes_per_token, 3 * alone.kv_bytes_per_token);
  EXPECT_GT(both.weight_bytes, alone.weight_bytes);
  EXPECT_LT(both.tokens_that_fit, alone.tokens_that_fit);
  // Tokens for which there is memory in the cache of one, but not of both.
  settings.kv_tokens = static_cast<int64_t>(alone.machine_bytes / alone.kv_bytes_per_token) - 1;
  settings.draft_model = draft.path();
  const auto served = app::start_serving(model.path(), settings);
  ASSERT_FALSE(served);
  EXPECT_EQ(served.error().param, "n_ctx");
}

INSTANTIATE_TEST_SUITE_P(Types, Determinism,
                         ::testing::Values(DType::kF32, DType::kF16, DType::kQ8_0, DType::kQ4_K),
                         [](const auto& type) { return std::string(dtype_info(type.param).name); });

}  // namespace
}  // namespace chasqui
