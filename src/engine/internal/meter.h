// Times of requests and steps, measured by the engine thread and read by any. A token costs one
// record: two atomic additions.
#pragma once

#include <array>
#include <atomic>
#include <optional>

#include "base/clock.h"
#include "base/histogram.h"
#include "engine/engine.h"
#include "engine/request.h"

namespace chasqui::engine {

// What the meter keeps with each request.
struct JobTimes {
  Instant submitted;
  std::optional<Instant> last_token;  // none sampled yet: empty
};

class Meter {
 public:
  // Engine thread only. `now`: when the step that brought it began or ended.
  void admitted(const JobTimes& times, Instant now) {
    queue_.record(seconds_between(times.submitted, now));
  }
  // `tokens` >= 1: those that came together share the time since the last one.
  void sampled(JobTimes& times, int64_t tokens, Instant now) {
    if (!times.last_token) {
      first_token_.record(seconds_between(times.submitted, now));
      times.last_token = now;
      --tokens;
    }
    const double each = tokens > 0 ? seconds_between(*times.last_token, now) / tokens : 0;
    for (int64_t t = 0; t < tokens; ++t) inter_token_.record(each);
    times.last_token = now;
  }
  // `last`: the request's last event.
  void ended(const JobTimes& times, const Event& last, Instant now);
  void stepped(int64_t rows) { step_tokens_.record(static_cast<double>(rows)); }
  void step_took(double seconds) { step_.record(seconds); }

  // Any thread.
  EngineTimings snapshot() const;

 private:
  // From a warm cache on a small model to a long prompt on a large one.
  static constexpr double kLatencies[] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                          0.5,   1,      2.5,   5,    10,    30,   60,  120};
  static constexpr double kSteps[] = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                      0.1,    0.25,  0.5,    1,     2.5,  5,     10};
  static constexpr double kSizes[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096};

  Histogram queue_{kLatencies};
  Histogram first_token_{kLatencies};
  Histogram inter_token_{kSteps};
  Histogram request_{kLatencies};
  Histogram step_{kSteps};
  Histogram step_tokens_{kSizes};
  std::array<std::atomic<int64_t>, kOutcomes> outcomes_{};
};

}  // namespace chasqui::engine
