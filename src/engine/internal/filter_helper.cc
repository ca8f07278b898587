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
  if (filter && !filter->is_prepared()) push({filter, nullptr, {}});
}

void FilterHelper::post(const std::shared_ptr<sample::TokenFilter>& filter,
                        std::span<const int32_t> draft) {
  if (!filter) return;
  std::shared_ptr<sample::TokenFilter> fork = draft.empty() ? nullptr : filter->fork();
  if (!fork) return post(filter);
  push({filter, std::move(fork), {draft.begin(), draft.end()}});
}

void FilterHelper::push(Entry entry) {
  {
    const std::lock_guard lock(mutex_);
    // Once is enough, and two copies would keep each other alive when the sequence has ended.
    if (std::ranges::find(queue_, entry.filter, &Entry::filter) != queue_.end()) return;
    queue_.push_back(std::move(entry));
  }
  changed_.notify_one();
}

void FilterHelper::prepare(Entry& entry) {
  if (!entry.fork) return entry.filter->prepare();
  entry.fork->prepare();
  for (const int32_t token : entry.draft) {
    entry.fork->accept(token);
    if (entry.fork->finished()) return;  // or the draft leads out of the grammar
    entry.fork->prepare();
  }
}

void FilterHelper::run() {
  pthread_setname_np(pthread_self(), "masks");
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (stopping_) return;
    Entry entry = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    try {
      if (entry.filter.use_count() > 1) prepare(entry);
    } catch (const std::exception&) {
      // The engine thread comes to the same place, and knows what to do with the request.
    }
    entry = {};  // it may be the last owner: not with the mutex held
    lock.lock();
  }
}

}  // namespace chasqui::engine
