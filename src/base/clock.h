// Time as the rest of the code sees it, so that tests can turn the hands themselves.
#pragma once

#include <chrono>

namespace chasqui {

using Instant = std::chrono::steady_clock::time_point;
using Duration = std::chrono::steady_clock::duration;

// Thread-safe. The real clock never goes backwards.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Instant now() const { return std::chrono::steady_clock::now(); }
};

inline double seconds_between(Instant from, Instant to) {
  return std::chrono::duration<double>(to - from).count();
}

}  // namespace chasqui
