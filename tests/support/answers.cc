#include "support/answers.h"

#include <gtest/gtest.h>

#include <chrono>

namespace chasqui::testing {

void Collector::on_event(engine::Event event) {
  const std::lock_guard lock(mutex_);
  for (const engine::TokenOutput& token : event.tokens) {
    tokens_.push_back(token.token);
    logprobs_.push_back(token.logprob);
  }
  cached_ = event.usage.cached_prompt_tokens;
  if (event.error) error_ = event.error->message;
  done_ = event.finish.has_value() || event.error.has_value();
  if (done_) ended_.notify_all();
}

void Collector::wait() {
  std::unique_lock lock(mutex_);
  ASSERT_TRUE(ended_.wait_for(lock, std::chrono::seconds(120), [this] { return done_; }));
  ASSERT_EQ(error_, "");
}

engine::Request make_request(int64_t prompt_tokens, uint64_t seed,
                             std::shared_ptr<Collector> sink) {
  engine::Request request;
  for (int64_t i = 0; i < prompt_tokens; ++i) {
    request.prompt.push_back(
        static_cast<int32_t>(3 + (static_cast<uint64_t>(i) * 31 + seed * 7) % 250));
  }
  request.max_tokens = kAnswerTokens;
  request.ignore_eos = true;
  request.top_logprobs = 0;
  request.sampling.temperature = 1.0f;
  request.sampling.seed = seed;
  request.sink = std::move(sink);
  return request;
}

Answer ask(engine::Engine& engine, int64_t prompt_tokens, uint64_t seed, int64_t* cached) {
  auto sink = std::make_shared<Collector>();
  EXPECT_TRUE(engine.submit(make_request(prompt_tokens, seed, sink)));
  sink->wait();
  if (cached != nullptr) *cached = sink->cached();
  EXPECT_EQ(sink->tokens().size(), static_cast<size_t>(kAnswerTokens));
  return sink->answer();
}

std::vector<Answer> ask_together(engine::Engine& engine, int64_t prompt_tokens, uint64_t count) {
  std::vector<std::shared_ptr<Collector>> sinks;
  for (uint64_t seed = 0; seed < count; ++seed) {
    sinks.push_back(std::make_shared<Collector>());
    EXPECT_TRUE(engine.submit(make_request(prompt_tokens, seed, sinks.back())));
  }
  std::vector<Answer> answers;
  for (const auto& sink : sinks) {
    sink->wait();
    answers.push_back(sink->answer());
  }
  return answers;
}

}  // namespace chasqui::testing
