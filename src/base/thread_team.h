// A fixed team of threads for data-parallel loops: the calling thread and `size() - 1` workers.
//
// One thread at a time calls run(); it works too, and returns when every task is done. Each thread
// begins with a run of neighbouring tasks of its own, which it takes one by one from the front:
// neighbours read memory in order, and nobody else touches the counter. Who is done takes from the
// back of the longest run left, so a worker that the host slows down or takes away holds up at most
// the task in its hands, not a fixed share of the loop.
//
// Workers spin for a few microseconds after a loop, because the next one usually follows at once
// (a layer has about ten), and then sleep on a futex: an idle server uses no CPU, and a lost core
// does not make the others burn theirs in a barrier.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

namespace chasqui {

// Binds the calling thread, and threads that it starts, to one processor. Refusal (a processor
// outside the container's set) only costs speed.
void bind_this_thread(int processor);

// Where the caller of run() spent its time, over the loops that more than one thread worked on.
struct LoopTimes {
  int64_t loops = 0;
  double begin_s = 0;  // handing the loop to the workers, and waking those that sleep
  double work_s = 0;   // on its own tasks
  double wait_s = 0;   // for the tasks of others, at the end
};

class ThreadTeam {
 public:
  // `threads` >= 1 counts the caller: 1 starts no worker. Workers are named "team-N". With
  // `pin_to` (processor ids, one per thread, the caller's first), worker N is bound to
  // pin_to[N]; the caller binds itself when it likes.
  explicit ThreadTeam(int threads, std::vector<int> pin_to = {});
  ~ThreadTeam();
  ThreadTeam(const ThreadTeam&) = delete;
  ThreadTeam& operator=(const ThreadTeam&) = delete;

  int size() const { return static_cast<int>(workers_.size()) + 1; }

  // Calls fn(task, thread) once for each task in [0, tasks), thread in [0, size()). The order and
  // the thread of a task are not defined: results must not depend on them. Writes made by tasks
  // are visible to the caller afterwards. `fn` must not throw and must not call run().
  template <typename Fn>
  void run(int64_t tasks, const Fn& fn) {
    run_erased(tasks, &fn, [](const void* context, int64_t task, int thread) {
      (*static_cast<const Fn*>(context))(task, thread);
    });
  }

  // From now on times are taken, which costs about 0.1 us a loop; back to 0. Only the thread that
  // calls run() may call these.
  void measure_loops();
  const LoopTimes& loop_times() const { return times_; }

 private:
  using Task = void (*)(const void* context, int64_t task, int thread);

  void run_erased(int64_t tasks, const void* context, Task task);
  void begin_loop(int64_t tasks, const void* context, Task task);
  void wait_for_end();
  // The tasks of one thread that nobody has taken yet: first in the low half, end in the high half
  // of one word, so that owner and thieves agree on every task. A line of its own.
  struct alignas(64) Share {
    std::atomic<uint64_t> range{0};
  };

  void work(int thread);
  void take_tasks(int thread);
  uint32_t run_own(int thread);
  Share* longest_share();

  // The loop being run. Written by the caller of run() while pending_ is 0, read only by a thread
  // that holds a task of that loop; pending_ cannot reach 0 before that task is done.
  const void* context_ = nullptr;
  Task task_ = nullptr;
  std::vector<Share> shares_;  // one per thread; all empty between loops

  // Only of the caller of run().
  bool measures_ = false;
  LoopTimes times_;

  // 32-bit because that is what a futex waits on.
  alignas(64) std::atomic<uint32_t> epoch_{0};    // one more for each loop; idle workers wait on it
  alignas(64) std::atomic<uint32_t> pending_{0};  // tasks not yet finished; the caller waits on it
  std::atomic<bool> stop_{false};
  std::vector<std::thread> workers_;
};

}  // namespace chasqui
