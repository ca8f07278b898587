// Failures of the network, of which some pass, and the patience to wait for that.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "base/result.h"
#include "hub/hub_options.h"

namespace chasqui::hub {

struct Failure {
  Error error;
  bool may_pass = false;               // trying again may work
  std::chrono::milliseconds after{0};  // not before (Retry-After)
};

template <typename T>
using Fetched = tl::expected<T, Failure>;

inline tl::unexpected<Failure> lasting(Error error) {
  return tl::unexpected<Failure>(Failure{std::move(error)});
}
inline tl::unexpected<Failure> passing(std::string message, std::chrono::milliseconds after = {}) {
  return tl::unexpected<Failure>(
      Failure{Error{ErrorCode::kResourceExhausted, std::move(message), ""}, true, after});
}

// True once the user wants an end. Asked about ten times a second; any thread.
using Stop = std::function<bool()>;

// Told a sentence for the user; may be empty.
using Note = std::function<void(const std::string&)>;

// Sleeps up to `time`; kCancelled as soon as `stop` says so.
Status wait_unless_stopped(std::chrono::milliseconds time, const Stop& stop);

// Counts the tries of one thing.
class Retry {
 public:
  // The three outlive it.
  Retry(const HubOptions& options, const Stop& stop, const Note& note)
      : options_(options), stop_(stop), note_(note) {}

  // Waits before the next try, or returns the error with which to give up.
  Status pause(const Failure& failure);
  // Something was achieved since the last pause: patience is as at the beginning.
  void progressed() { failures_ = 0; }

 private:
  const HubOptions& options_;
  const Stop& stop_;
  const Note& note_;
  int failures_ = 0;
};

}  // namespace chasqui::hub
