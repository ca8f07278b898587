#include "base/thread_team.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <optional>
#include <string>

#include "base/check.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace chasqui {
namespace {

// How long a thread spins before it sleeps. Long enough to bridge the serial code between two
// loops of a layer (1 to 10 us), short enough that spinning costs less than the wake-up (about
// 50 us on a virtual machine) that it avoids.
constexpr std::chrono::microseconds kSpin{40};

void relax() {
#if defined(__x86_64__)
  _mm_pause();
#else
  std::this_thread::yield();
#endif
}

// Spins until `done()` holds or kSpin is over; returns whether it holds.
template <typename Done>
bool spin_until(const Done& done) {
  const auto deadline = std::chrono::steady_clock::now() + kSpin;
  do {
    for (int i = 0; i < 32; ++i) {
      if (done()) return true;
      relax();
    }
  } while (std::chrono::steady_clock::now() < deadline);
  return done();
}

void name_and_pin(int thread, const std::vector<int>& pin_to) {
  pthread_setname_np(pthread_self(), ("team-" + std::to_string(thread)).c_str());
  if (!pin_to.empty()) bind_this_thread(pin_to[static_cast<size_t>(thread)]);
}

constexpr uint64_t range_of(uint32_t first, uint32_t end) {
  return uint64_t{end} << 32 | first;
}
constexpr uint32_t first_of(uint64_t range) {
  return static_cast<uint32_t>(range);
}
constexpr uint32_t end_of(uint64_t range) {
  return static_cast<uint32_t>(range >> 32);
}
constexpr uint32_t length_of(uint64_t range) {
  return end_of(range) - first_of(range);
}

// Takes the first task of a range, or the last; nullopt when there is none.
std::optional<uint32_t> take_first(std::atomic<uint64_t>& range) {
  uint64_t seen = range.load(std::memory_order_acquire);
  while (length_of(seen) != 0) {
    const uint64_t rest = range_of(first_of(seen) + 1, end_of(seen));
    if (range.compare_exchange_weak(seen, rest, std::memory_order_acq_rel)) return first_of(seen);
  }
  return std::nullopt;
}
std::optional<uint32_t> take_last(std::atomic<uint64_t>& range) {
  uint64_t seen = range.load(std::memory_order_acquire);
  while (length_of(seen) != 0) {
    const uint64_t rest = range_of(first_of(seen), end_of(seen) - 1);
    if (range.compare_exchange_weak(seen, rest, std::memory_order_acq_rel)) return end_of(rest);
  }
  return std::nullopt;
}

}  // namespace

void bind_this_thread(int processor) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(processor, &set);
  pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

ThreadTeam::ThreadTeam(int threads, std::vector<int> pin_to)
    : shares_(static_cast<size_t>(std::max(threads, 1))) {
  CHASQUI_CHECK(threads >= 1, "a team of {} threads", threads);
  CHASQUI_CHECK(pin_to.empty() || static_cast<int>(pin_to.size()) == threads,
                "{} processors for {} threads", pin_to.size(), threads);
  workers_.reserve(static_cast<size_t>(threads - 1));
  for (int thread = 1; thread < threads; ++thread) {
    workers_.emplace_back([this, thread, pin_to] {
      name_and_pin(thread, pin_to);
      work(thread);
    });
  }
}

ThreadTeam::~ThreadTeam() {
  stop_.store(true, std::memory_order_relaxed);
  epoch_.fetch_add(1, std::memory_order_release);
  epoch_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadTeam::run_erased(int64_t tasks, const void* context, Task task) {
  CHASQUI_CHECK(tasks >= 0 && tasks < std::numeric_limits<uint32_t>::max(), "{} tasks", tasks);
  if (tasks == 0) return;
  if (tasks == 1 || workers_.empty()) {
    for (int64_t i = 0; i < tasks; ++i) task(context, i, 0);
    return;
  }
  if (!measures_) {
    begin_loop(tasks, context, task);
    take_tasks(0);
    wait_for_end();
    return;
  }
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  begin_loop(tasks, context, task);
  const Clock::time_point begun = Clock::now();
  take_tasks(0);
  const Clock::time_point worked = Clock::now();
  wait_for_end();
  const auto seconds = [](Clock::duration time) {
    return std::chrono::duration<double>(time).count();
  };
  ++times_.loops;
  times_.begin_s += seconds(begun - start);
  times_.work_s += seconds(worked - begun);
  times_.wait_s += seconds(Clock::now() - worked);
}

void ThreadTeam::measure_loops() {
  measures_ = true;
  times_ = {};
}

void ThreadTeam::begin_loop(int64_t tasks, const void* context, Task task) {
  context_ = context;
  task_ = task;
  pending_.store(static_cast<uint32_t>(tasks), std::memory_order_relaxed);
  for (int64_t i = 0; i < size(); ++i) {
    shares_[static_cast<size_t>(i)].range.store(
        range_of(static_cast<uint32_t>(tasks * i / size()),
                 static_cast<uint32_t>(tasks * (i + 1) / size())),
        std::memory_order_release);
  }
  epoch_.fetch_add(1, std::memory_order_release);
  epoch_.notify_all();
}

void ThreadTeam::wait_for_end() {
  const auto finished = [this] { return pending_.load(std::memory_order_acquire) == 0; };
  if (spin_until(finished)) return;
  for (uint32_t left; (left = pending_.load(std::memory_order_acquire)) != 0;) {
    pending_.wait(left, std::memory_order_acquire);
  }
}

uint32_t ThreadTeam::run_own(int thread) {
  uint32_t done = 0;
  while (const auto index = take_first(shares_[static_cast<size_t>(thread)].range)) {
    task_(context_, *index, thread);
    ++done;
  }
  return done;
}

ThreadTeam::Share* ThreadTeam::longest_share() {
  Share* longest = nullptr;
  uint32_t most = 0;
  for (Share& share : shares_) {
    const uint32_t length = length_of(share.range.load(std::memory_order_relaxed));
    if (length > most) {
      most = length;
      longest = &share;
    }
  }
  return longest;
}

void ThreadTeam::take_tasks(int thread) {
  uint32_t done = run_own(thread);
  while (Share* share = longest_share()) {
    if (const auto index = take_last(share->range)) {
      task_(context_, *index, thread);
      ++done;
    }
  }
  if (done != 0 && pending_.fetch_sub(done, std::memory_order_acq_rel) == done) {
    pending_.notify_one();
  }
}

void ThreadTeam::work(int thread) {
  uint32_t seen = 0;
  for (;;) {
    const auto changed = [&] { return epoch_.load(std::memory_order_acquire) != seen; };
    if (!spin_until(changed)) epoch_.wait(seen, std::memory_order_acquire);
    seen = epoch_.load(std::memory_order_acquire);
    if (stop_.load(std::memory_order_relaxed)) return;
    take_tasks(thread);
  }
}

}  // namespace chasqui
