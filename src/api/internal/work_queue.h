// A few threads that run tasks in the order in which they came. Used for preparation (two threads,
// bounded) and for delivery (one thread, so that the answers of one request never overlap).
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

namespace chasqui::api {

class WorkQueue {
 private:
  struct State;

 public:
  using Task = std::function<void()>;

  // Pushes from anywhere, also after the queue is gone (the task is then dropped). Copyable.
  class Handle {
   public:
    void push(
        Task task) const;  // beyond the capacity too: work that goes on with something accepted

   private:
    friend class WorkQueue;
    explicit Handle(std::shared_ptr<State> state) : state_(std::move(state)) {}
    std::shared_ptr<State> state_;
  };

  WorkQueue(int threads, size_t capacity);
  // Waits for the running tasks; those that wait are dropped.
  ~WorkQueue();
  WorkQueue(const WorkQueue&) = delete;
  WorkQueue& operator=(const WorkQueue&) = delete;

  // Any thread; never waits for a task. False beyond the capacity. A task that throws is
  // logged and dropped.
  bool try_push(Task task);
  Handle handle() const { return Handle(state_); }

 private:
  static void work(State& state);

  const size_t capacity_;
  const std::shared_ptr<State> state_;
  std::vector<std::thread> threads_;
};

}  // namespace chasqui::api
