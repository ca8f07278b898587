// The machine as hwloc sees it: which processors share a core, which a NUMA node, and pages of
// memory put on nodes.
//
// Only processors that this process may run on count (cgroups, containers and taskset narrow
// them). Thread-safe after construction.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace chasqui::backend::cpu {

// One hardware thread. `core` and `node` are counted from 0 over the whole machine.
struct Processor {
  int id = 0;  // as the kernel numbers them
  int core = 0;
  int node = 0;

  bool operator==(const Processor&) const = default;
};

class Topology {
 public:
  // What the calling thread may use of this machine, or of the machine that hwloc's variable
  // HWLOC_SYNTHETIC describes. Where hwloc fails, every processor is a core of one node.
  static Topology of_this_machine();

  // For tests: "node:2 core:4 pu:2" has two nodes of four cores of two processors. kInvalidArgument
  // when hwloc cannot read it.
  static Result<Topology> synthetic(const std::string& description);

  // Ordered by node, core and id; never empty.
  std::span<const Processor> processors() const { return processors_; }
  int cores() const;
  int nodes() const;  // with processors of ours

  // Spreads the pages of `memory` over the nodes in turn as they are first touched: every thread
  // then reads at the bandwidth of all nodes together, wherever it runs. kUnsupported with the
  // kernel's reason when refused (containers often forbid mbind).
  Status interleave(std::span<std::byte> memory) const;

 private:
  Topology() = default;

  std::shared_ptr<void> hwloc_;  // an hwloc_topology_t; null where hwloc failed
  std::vector<Processor> processors_;
};

}  // namespace chasqui::backend::cpu
