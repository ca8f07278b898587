// Runs the engine requests of one HTTP request whose answers are vectors: the inputs of an
// embedding request, the documents of a ranking. Inputs wait in the engine side by side, so that
// its steps are filled however many there are, and the next ones are there before it asks.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "api/internal/handlers.h"
#include "api/service.h"
#include "base/result.h"
#include "engine/request.h"

namespace chasqui::api {

// What is made of the vectors. Used by the delivery thread only.
class VectorAnswer {
 public:
  virtual ~VectorAnswer() = default;
  // The vector of input `index`; each comes once, in any order. An error ends the request.
  virtual Status take(size_t index, std::span<const float> vector) = 0;
  // The response's JSON, once all have come.
  virtual std::string body() = 0;
};

// Answers `exchange` with what `answer` makes of `requests` (kEmbed or kRank, without sinks), or
// with the first error. Returns at once; a client that leaves cancels what is not done.
void run_vectors(const TaskSink& deliver, const ServedModel& model, ExchangePtr exchange,
                 std::vector<engine::Request> requests, std::unique_ptr<VectorAnswer> answer);

// Tokens of all prompts together, for `usage`.
int64_t count_tokens(std::span<const engine::Request> requests);

// {"prompt_tokens":N,"total_tokens":N}
std::string vector_usage(int64_t prompt_tokens);

}  // namespace chasqui::api
