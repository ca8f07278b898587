#include "backend/cpu/placement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>

#include <filesystem>
#include <fstream>

#include "backend/cpu/cpu_backend.h"
#include "backend/cpu/cpu_quota.h"
#include "backend/cpu/topology.h"
#include "tensor/buffer.h"

namespace chasqui::backend::cpu {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Two nodes of four cores of two processors; processors 2i and 2i + 1 share core i.
Placement on_two_nodes(const PlacementRequest& request) {
  const auto topology = Topology::synthetic("node:2 core:4 pu:2");
  EXPECT_TRUE(topology) << topology.error().message;
  return place(topology->processors(), request);
}

TEST(Topology, ReadsASyntheticMachine) {
  const auto topology = Topology::synthetic("node:2 core:4 pu:2");
  ASSERT_TRUE(topology) << topology.error().message;
  EXPECT_EQ(topology->processors().size(), 16u);
  EXPECT_EQ(topology->cores(), 8);
  EXPECT_EQ(topology->nodes(), 2);
  EXPECT_EQ(topology->processors()[3], (Processor{.id = 3, .core = 1, .node = 0}));
  EXPECT_EQ(topology->processors()[9], (Processor{.id = 9, .core = 4, .node = 1}));
  EXPECT_EQ(Topology::synthetic("node:two").error().code, ErrorCode::kInvalidArgument);
}

TEST(Topology, HoldsOnlyProcessorsThatWeMayUse) {
  cpu_set_t before;
  ASSERT_EQ(sched_getaffinity(0, sizeof(before), &before), 0);
  int last = 0;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &before)) last = cpu;
  }
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(last, &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
  const Topology topology = Topology::of_this_machine();
  const int threads = default_threads();
  ASSERT_EQ(sched_setaffinity(0, sizeof(before), &before), 0);
  ASSERT_EQ(topology.processors().size(), 1u);
  EXPECT_EQ(topology.processors()[0].id, last);
  EXPECT_EQ(threads, 1);
}

TEST(Topology, InterleavedMemoryIsUsable) {
  const Topology topology = Topology::of_this_machine();
  auto memory = Buffer::allocate(8 << 20);
  ASSERT_TRUE(memory);
  const Status done = topology.interleave({memory->data(), memory->size()});
  memory->data()[memory->size() - 1] = std::byte{7};
  EXPECT_EQ(memory->data()[memory->size() - 1], std::byte{7});
  if (!done) {
    EXPECT_NE(done.error().message, "");  // containers may forbid it; the reason is passed on
    return;
  }
  // The kernel's own account: "7f... interleave:0 anon=1 ...".
  std::ifstream maps("/proc/self/numa_maps");
  const std::string text(std::istreambuf_iterator<char>(maps), {});
  if (!text.empty()) {
    EXPECT_NE(text.find(" interleave:"), std::string::npos);
  }
}

TEST(Placement, OneThreadForEachCore) {
  EXPECT_EQ(on_two_nodes({}).threads, 8);
  EXPECT_THAT(on_two_nodes({}).bind_to, IsEmpty());
  EXPECT_FALSE(on_two_nodes({}).interleave_memory);
}

TEST(Placement, AQuotaBoundsTheDefaultOnly) {
  EXPECT_EQ(on_two_nodes({.quota = 2.5}).threads, 3);
  EXPECT_EQ(on_two_nodes({.quota = 0.2}).threads, 1);
  EXPECT_EQ(on_two_nodes({.quota = 64}).threads, 8);
  EXPECT_EQ(on_two_nodes({.threads = 6, .quota = 2}).threads, 6);
}

TEST(Placement, PinningFillsCoresFirst) {
  EXPECT_THAT(on_two_nodes({.threads = 3, .pin = true}).bind_to, ElementsAre(0, 2, 4));
  EXPECT_THAT(on_two_nodes({.pin = true}).bind_to, ElementsAre(0, 2, 4, 6, 8, 10, 12, 14));
  EXPECT_THAT(on_two_nodes({.threads = 10, .pin = true}).bind_to,
              ElementsAre(0, 2, 4, 6, 1, 3, 8, 10, 12, 14));
}

TEST(Placement, MoreThreadsThanProcessorsGoRound) {
  const std::vector<Processor> two = {{.id = 5, .core = 0}, {.id = 7, .core = 1}};
  EXPECT_THAT(place(two, {.threads = 3, .pin = true}).bind_to, ElementsAre(5, 7, 5));
}

TEST(Placement, NumaSpreadsOverNodesAndKeepsNeighboursTogether) {
  const Placement four = on_two_nodes({.threads = 4, .numa = true});
  EXPECT_THAT(four.bind_to, ElementsAre(0, 2, 8, 10));
  EXPECT_TRUE(four.interleave_memory);
  EXPECT_THAT(on_two_nodes({.threads = 3, .numa = true}).bind_to, ElementsAre(0, 2, 8));
  EXPECT_THAT(on_two_nodes({.numa = true}).bind_to, ElementsAre(0, 2, 4, 6, 8, 10, 12, 14));
}

TEST(Placement, NumaOnUnequalNodesTakesWhatThereIs) {
  // One core is left to us on node 0, three on node 1.
  const std::vector<Processor> left = {{.id = 1, .core = 1, .node = 0},
                                       {.id = 8, .core = 8, .node = 1},
                                       {.id = 9, .core = 9, .node = 1},
                                       {.id = 10, .core = 10, .node = 1}};
  EXPECT_THAT(place(left, {.threads = 2, .numa = true}).bind_to, ElementsAre(1, 8));
  EXPECT_THAT(place(left, {.threads = 3, .numa = true}).bind_to, ElementsAre(1, 8, 9));
}

TEST(Placement, NumaOnOneNodeChangesNothing) {
  const auto topology = Topology::synthetic("node:1 core:4 pu:2");
  ASSERT_TRUE(topology);
  EXPECT_EQ(place(topology->processors(), {.numa = true}), place(topology->processors(), {}));
  EXPECT_EQ(place(topology->processors(), {.pin = true, .numa = true}),
            place(topology->processors(), {.pin = true}));
}

TEST(CpuQuota, ReadsTheKernelsForm) {
  EXPECT_EQ(parse_cpu_max("250000 100000\n"), 2.5);
  EXPECT_EQ(parse_cpu_max("max 100000\n"), std::nullopt);
  EXPECT_EQ(parse_cpu_max(""), std::nullopt);
  EXPECT_EQ(parse_cpu_max("100000"), std::nullopt);
  EXPECT_EQ(parse_cpu_max("100000 0"), std::nullopt);
}

TEST(CpuQuota, TheLeastOfTheGroupAndThoseAboveCounts) {
  const std::filesystem::path root =
      std::filesystem::path(testing::TempDir()) / "chasqui-cgroup-test";
  std::filesystem::create_directories(root / "pod" / "box");
  std::ofstream(root / "pod" / "cpu.max") << "150000 100000\n";
  std::ofstream(root / "pod" / "box" / "cpu.max") << "400000 100000\n";
  EXPECT_EQ(cpu_quota(root, "1:cpu:/other\n0::/pod/box\n"), 1.5);
  EXPECT_EQ(cpu_quota(root, "0::/\n"), 0);
  EXPECT_EQ(cpu_quota(root, ""), 0);
  std::filesystem::remove_all(root);
}

}  // namespace
}  // namespace chasqui::backend::cpu
