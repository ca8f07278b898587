#include "engine/internal/filter_helper.h"

#include <pthread.h>

#include <algorithm>
#include <exception>
#include <utility>

namespace chasqui::engine {

FilterHelper::~FilterHelper() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void FilterHelper::post(const std::shared_ptr<sample::TokenFilter>& filter) {
  if (!filter || filter->is_prepared()) return;
  {
    const std::lock_guard lock(mutex_);
    // Once is enough, and two copies would keep each other alive when the sequence has ended.
    if (std::ranges::find(queue_, filter) != queue_.end()) return;
    queue_.push_back(filter);
  }
  changed_.notify_one();
}

void FilterHelper::run() {
  pthread_setname_np(pthread_self(), "masks");
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (stopping_) return;
    std::shared_ptr<sample::TokenFilter> filter = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    try {
      if (filter.use_count() > 1) filter->prepare();
    } catch (const std::exception&) {
      // The engine thread comes to the same place, and knows what to do with the request.
    }
    filter.reset();  // it may be the last owner: not with the mutex held
    lock.lock();
  }
}

}  // namespace chasqui::engine
