// How many threads compute, where each is bound, and whether memory is spread over NUMA nodes: a
// pure function from the machine and the settings to the decision.
#pragma once

#include <span>
#include <vector>

#include "backend/cpu/topology.h"

namespace chasqui::backend::cpu {

struct PlacementRequest {
  int threads = 0;  // 0: one for each core, within `quota`
  bool pin = false;
  bool numa = false;
  double quota = 0;  // processors' worth of time that we may use (cpu_quota.h); 0: no limit
};

struct Placement {
  int threads = 1;
  // The processor that each thread is bound to, the caller's first; empty: the kernel chooses.
  std::vector<int> bind_to;
  bool interleave_memory = false;

  bool operator==(const Placement&) const = default;
};

// Threads go to cores of their own first, and to second processors of a core only when there are
// more threads than cores: two threads of one core share the units that products keep busy. More
// threads than processors are bound round and round.
//
// With `numa` on a machine of several nodes, threads are bound, as evenly over the nodes as they
// come out, neighbours in the team on one node; and memory is interleaved. On one node `numa`
// changes nothing.
//
// REQUIRES: processors ordered as Topology has them, not empty; threads >= 0.
Placement place(std::span<const Processor> processors, const PlacementRequest& request);

}  // namespace chasqui::backend::cpu
