// Requests to a real engine, and their answers down to the bits. Only for tests.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/engine.h"

namespace chasqui::testing {

struct Answer {
  std::vector<int32_t> tokens;
  std::vector<float> logprobs;
  bool operator==(const Answer&) const = default;
};

// Everything that one request answered.
class Collector final : public engine::EventSink {
 public:
  void on_event(engine::Event event) override;

  // Fails the test when the request fails or does not end.
  void wait();

  // After wait():
  Answer answer() const { return {tokens_, logprobs_}; }
  const std::vector<int32_t>& tokens() const { return tokens_; }
  const std::vector<float>& logprobs() const { return logprobs_; }
  int64_t cached() const { return cached_; }

 private:
  std::mutex mutex_;
  std::condition_variable ended_;
  std::vector<int32_t> tokens_;
  std::vector<float> logprobs_;
  std::string error_;
  int64_t cached_ = 0;
  bool done_ = false;
};

// Long enough that sequences which were admitted together outgrow a small cache together, whenever
// each of them came.
constexpr int64_t kAnswerTokens = 60;

// A prompt of tokens from 3 to 252 and an answer of kAnswerTokens, both depending on `seed`.
engine::Request make_request(int64_t prompt_tokens, uint64_t seed, std::shared_ptr<Collector> sink);

// `cached`: how many tokens of the prompt came from the cache; may be null.
Answer ask(engine::Engine& engine, int64_t prompt_tokens, uint64_t seed, int64_t* cached = nullptr);

// Seeds 0 to count - 1 at once.
std::vector<Answer> ask_together(engine::Engine& engine, int64_t prompt_tokens, uint64_t count);

}  // namespace chasqui::testing
