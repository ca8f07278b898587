// The streams of a model that the next request ends (setting interrupt_requests). Any thread.
#pragma once

#include <functional>
#include <mutex>
#include <utility>
#include <vector>

namespace chasqui::api {

class RunningStreams {
 public:
  using End = std::function<void()>;  // may come late: it must not mind that its stream is over

  void add(End end) {
    const std::lock_guard lock(mutex_);
    ends_.push_back(std::move(end));
  }

  void end_all() {
    std::vector<End> ends;
    {
      const std::lock_guard lock(mutex_);
      ends.swap(ends_);
    }
    for (const End& end : ends) end();
  }

 private:
  std::mutex mutex_;
  // Each request calls end_all() first, so this holds what came in since the last one.
  std::vector<End> ends_;  // guarded by mutex_
};

}  // namespace chasqui::api
