#include "backend/cpu/topology.h"

#include <fmt/format.h>
#include <hwloc.h>
#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>
#include <tuple>
#include <utility>

namespace chasqui::backend::cpu {
namespace {

hwloc_topology_t raw(const std::shared_ptr<void>& topology) {
  return static_cast<hwloc_topology_t>(topology.get());
}

// Null when hwloc cannot; `synthetic` empty: this machine.
std::shared_ptr<void> load(const std::string& synthetic) {
  hwloc_topology_t topology = nullptr;
  if (hwloc_topology_init(&topology) != 0) return nullptr;
  std::shared_ptr<void> owner(
      topology, [](void* p) { hwloc_topology_destroy(static_cast<hwloc_topology_t>(p)); });
  // Disks and network cards take most of the time of a full scan.
  hwloc_topology_set_io_types_filter(topology, HWLOC_TYPE_FILTER_KEEP_NONE);
  if (!synthetic.empty() && hwloc_topology_set_synthetic(topology, synthetic.c_str()) != 0) {
    return nullptr;
  }
  return hwloc_topology_load(topology) == 0 ? owner : nullptr;
}

std::set<int> allowed_processors() {
  std::set<int> allowed;
  cpu_set_t set;
  CPU_ZERO(&set);
  // Fails on machines of more than CPU_SETSIZE processors: then hwloc's set, of the cgroup, stands.
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return allowed;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) allowed.insert(cpu);
  }
  return allowed;
}

std::vector<Processor> processors_of(hwloc_topology_t topology) {
  std::vector<Processor> processors;
  hwloc_obj_t unit = nullptr;
  while ((unit = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_PU, unit)) != nullptr) {
    const hwloc_obj_t core = hwloc_get_ancestor_obj_by_type(topology, HWLOC_OBJ_CORE, unit);
    Processor processor;
    processor.id = static_cast<int>(unit->os_index);
    // Some virtual machines show no cores: each processor is one then.
    processor.core = static_cast<int>(core != nullptr ? core->logical_index : unit->logical_index);
    processor.node = std::max(0, hwloc_bitmap_first(unit->nodeset));
    processors.push_back(processor);
  }
  return processors;
}

void keep_allowed(std::vector<Processor>& processors, const std::set<int>& allowed) {
  if (allowed.empty()) return;
  std::erase_if(processors, [&](const Processor& p) { return !allowed.contains(p.id); });
}

void sort(std::vector<Processor>& processors) {
  std::ranges::sort(processors, {},
                    [](const Processor& p) { return std::tuple(p.node, p.core, p.id); });
}

template <typename Field>
int count_distinct(std::span<const Processor> processors, Field field) {
  std::set<int> seen;
  for (const Processor& processor : processors) seen.insert(processor.*field);
  return static_cast<int>(seen.size());
}

}  // namespace

Topology Topology::of_this_machine() {
  Topology topology;
  topology.hwloc_ = load("");
  const std::set<int> allowed = allowed_processors();
  if (topology.hwloc_ != nullptr) {
    topology.processors_ = processors_of(raw(topology.hwloc_));
    if (hwloc_topology_is_thissystem(raw(topology.hwloc_)) == 1) {
      keep_allowed(topology.processors_, allowed);
    }
  }
  if (topology.processors_.empty()) {
    for (const int id : allowed) topology.processors_.push_back({id, id, 0});
  }
  if (topology.processors_.empty()) topology.processors_.push_back({});
  sort(topology.processors_);
  return topology;
}

Result<Topology> Topology::synthetic(const std::string& description) {
  Topology topology;
  topology.hwloc_ = load(description);
  if (topology.hwloc_ != nullptr) topology.processors_ = processors_of(raw(topology.hwloc_));
  if (topology.processors_.empty()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("\"{}\" describes no machine in hwloc's words", description));
  }
  sort(topology.processors_);
  return topology;
}

int Topology::cores() const {
  return count_distinct(processors_, &Processor::core);
}

int Topology::nodes() const {
  return count_distinct(processors_, &Processor::node);
}

Status Topology::interleave(std::span<std::byte> memory) const {
  if (hwloc_ == nullptr) return fail(ErrorCode::kUnsupported, "hwloc does not know this machine");
  const std::shared_ptr<hwloc_bitmap_s> nodes(hwloc_bitmap_alloc(), hwloc_bitmap_free);
  for (const Processor& processor : processors_) {
    hwloc_bitmap_set(nodes.get(), static_cast<unsigned>(processor.node));
  }
  if (hwloc_set_area_membind(raw(hwloc_), memory.data(), memory.size(), nodes.get(),
                             HWLOC_MEMBIND_INTERLEAVE, HWLOC_MEMBIND_BYNODESET) == 0) {
    return {};
  }
  return fail(ErrorCode::kUnsupported, std::strerror(errno));
}

}  // namespace chasqui::backend::cpu
