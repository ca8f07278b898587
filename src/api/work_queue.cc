#include "api/internal/work_queue.h"

#include <spdlog/spdlog.h>

#include <condition_variable>
#include <deque>
#include <exception>
#include <limits>
#include <mutex>
#include <utility>

namespace chasqui::api {

struct WorkQueue::State {
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Task> tasks;  // guarded by mutex; empty once stopping
  bool stopping = false;   // guarded by mutex

  bool push(Task task, size_t capacity) {
    {
      const std::lock_guard lock(mutex);
      if (stopping || tasks.size() >= capacity) return false;
      tasks.push_back(std::move(task));
    }
    changed.notify_one();
    return true;
  }
};

void WorkQueue::Handle::push(Task task) const {
  state_->push(std::move(task), std::numeric_limits<size_t>::max());
}

WorkQueue::WorkQueue(int threads, size_t capacity)
    : capacity_(capacity), state_(std::make_shared<State>()) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { work(*state_); });
}

WorkQueue::~WorkQueue() {
  std::deque<Task> dropped;  // destroyed without the lock: tasks own what they work on
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
    dropped.swap(state_->tasks);
  }
  state_->changed.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

bool WorkQueue::try_push(Task task) {
  return state_->push(std::move(task), capacity_);
}

void WorkQueue::work(State& state) {
  std::unique_lock lock(state.mutex);
  while (true) {
    state.changed.wait(lock, [&state] { return state.stopping || !state.tasks.empty(); });
    if (state.stopping) return;
    Task task = std::move(state.tasks.front());
    state.tasks.pop_front();
    lock.unlock();
    try {
      task();
    } catch (const std::exception& error) {
      // Out of memory, most likely. What the task held goes with it: of a request in preparation
      // the exchange, which then answers 500. The others go on.
      spdlog::error("a task of the API was given up: {}", error.what());
    }
    task = nullptr;  // what it held goes before the lock comes back
    lock.lock();
  }
}

}  // namespace chasqui::api
