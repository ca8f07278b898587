#include "hub/internal/retry.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

namespace chasqui::hub {

Status wait_unless_stopped(std::chrono::milliseconds time, const Stop& stop) {
  constexpr std::chrono::milliseconds kStep{100};
  const auto end = std::chrono::steady_clock::now() + time;
  for (;;) {
    if (stop && stop()) {
      return fail(ErrorCode::kCancelled, "stopped; what was downloaded is kept for the next time");
    }
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        end - std::chrono::steady_clock::now());
    if (left.count() <= 0) return {};
    std::this_thread::sleep_for(std::min(left, kStep));
  }
}

Status Retry::pause(const Failure& failure) {
  if (!failure.may_pass) return fail(failure.error);
  if (++failures_ > options_.retries) {
    return fail(failure.error.code,
                fmt::format("{} ({} tries)", failure.error.message, options_.retries + 1));
  }
  auto time = options_.first_pause;
  for (int i = 1; i < failures_ && time < options_.longest_pause; ++i) time *= 2;
  time = std::min(std::max(time, failure.after), options_.longest_pause);
  if (note_) {
    note_(fmt::format("{}; once more in {:.1f} s", failure.error.message,
                      static_cast<double>(time.count()) / 1e3));
  }
  return wait_unless_stopped(time, stop_);
}

}  // namespace chasqui::hub
