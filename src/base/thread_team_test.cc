#include "base/thread_team.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace chasqui {
namespace {

TEST(ThreadTeam, RunsEachTaskOnce) {
  for (int threads : {1, 2, 5}) {
    ThreadTeam team(threads);
    for (int64_t tasks : {0, 1, 2, 7, 1000}) {
      std::vector<std::atomic<int>> runs(static_cast<size_t>(tasks));
      team.run(tasks, [&](int64_t task, int thread) {
        EXPECT_LT(thread, threads);
        runs[static_cast<size_t>(task)].fetch_add(1, std::memory_order_relaxed);
      });
      for (const auto& count : runs) EXPECT_EQ(count.load(), 1);
    }
  }
}

TEST(ThreadTeam, WritesAreVisibleAfterTheLoop) {
  ThreadTeam team(4);
  std::vector<int64_t> values(257);
  for (int round = 1; round <= 2000; ++round) {
    team.run(257, [&](int64_t task, int) { values[static_cast<size_t>(task)] += task; });
    ASSERT_EQ(values[256], 256 * round);
    ASSERT_EQ(values[1], round);
  }
}

TEST(ThreadTeam, WorksAfterItsWorkersWentToSleep) {
  ThreadTeam team(3);
  std::atomic<int> sum{0};
  for (int round = 0; round < 20; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    team.run(10, [&](int64_t, int) { sum.fetch_add(1); });
  }
  EXPECT_EQ(sum.load(), 200);
}

TEST(ThreadTeam, ASlowTaskDoesNotHoldTheOthersBack) {
  ThreadTeam team(2);
  std::atomic<int> quick{0};
  team.run(101, [&](int64_t task, int) {
    if (task == 0) {
      while (quick.load() < 100) std::this_thread::yield();  // ends only if the rest goes on
    } else {
      quick.fetch_add(1);
    }
  });
  EXPECT_EQ(quick.load(), 100);
}

TEST(ThreadTeam, MeasuresWhereTheCallerWaits) {
  ThreadTeam team(2);
  const auto both_busy = [&](int64_t, int thread) {
    // The worker's task is the long one.
    std::this_thread::sleep_for(std::chrono::milliseconds(thread == 0 ? 1 : 20));
  };
  team.run(2, both_busy);
  EXPECT_EQ(team.loop_times().loops, 0);  // nobody asked
  team.measure_loops();
  team.run(1, both_busy);  // one task is no loop for two
  // The caller takes both tasks itself when the worker comes late, and then has nothing to wait
  // for.
  int loops = 0;
  const LoopTimes& times = team.loop_times();
  for (; loops < 500 && times.wait_s < 0.01; ++loops) team.run(2, both_busy);
  EXPECT_GE(times.wait_s, 0.01);
  EXPECT_EQ(times.loops, loops);
  EXPECT_GE(times.work_s, loops * 0.001);
  team.measure_loops();
  EXPECT_EQ(team.loop_times().loops, 0);
}

}  // namespace
}  // namespace chasqui
