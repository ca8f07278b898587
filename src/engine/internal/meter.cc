#include "engine/internal/meter.h"

namespace chasqui::engine {
namespace {

Outcome outcome_of(const Event& last) {
  if (last.error) return Outcome::kFailed;
  switch (last.finish.value_or(FinishReason::kCancelled)) {
    case FinishReason::kStop:
      return Outcome::kStop;
    case FinishReason::kLength:
      return Outcome::kLength;
    case FinishReason::kCancelled:
      return Outcome::kCancelled;
  }
  return Outcome::kFailed;
}

}  // namespace

void Meter::ended(const JobTimes& times, const Event& last, Instant now) {
  request_.record(seconds_between(times.submitted, now));
  outcomes_[static_cast<size_t>(outcome_of(last))].fetch_add(1, std::memory_order_relaxed);
}

EngineTimings Meter::snapshot() const {
  EngineTimings timings = {.queue = queue_.snapshot(),
                           .first_token = first_token_.snapshot(),
                           .inter_token = inter_token_.snapshot(),
                           .request = request_.snapshot(),
                           .step = step_.snapshot(),
                           .step_tokens = step_tokens_.snapshot()};
  for (size_t i = 0; i < kOutcomes; ++i) {
    timings.outcomes[i] = outcomes_[i].load(std::memory_order_relaxed);
  }
  return timings;
}

}  // namespace chasqui::engine
