#include "backend/cpu/placement.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

namespace chasqui::backend::cpu {
namespace {

// A processor, and how many of its kind come before it: siblings of its core, and processors of the
// same rank on its node.
struct Ranked {
  Processor processor;
  int sibling = 0;
  int place_on_node = 0;
};

std::vector<Ranked> rank(std::span<const Processor> processors) {
  std::map<int, int> siblings;
  std::map<std::pair<int, int>, int> on_node;  // by node and sibling
  std::vector<Ranked> ranked;
  for (const Processor& processor : processors) {
    const int sibling = siblings[processor.core]++;
    ranked.push_back({processor, sibling, on_node[{processor.node, sibling}]++});
  }
  return ranked;
}

int count_cores(const std::vector<Ranked>& ranked) {
  return static_cast<int>(
      std::ranges::count_if(ranked, [](const Ranked& r) { return r.sibling == 0; }));
}

}  // namespace

Placement place(std::span<const Processor> processors, const PlacementRequest& request) {
  std::vector<Ranked> ranked = rank(processors);
  Placement placement;
  placement.threads = request.threads;
  if (request.threads == 0) {
    const int cores = count_cores(ranked);
    const double quota = request.quota > 0 ? std::ceil(request.quota) : cores;
    placement.threads = std::max(1, static_cast<int>(std::min<double>(cores, quota)));
  }
  const bool several_nodes = processors.front().node != processors.back().node;
  placement.interleave_memory = request.numa && several_nodes;
  if (!request.pin && !placement.interleave_memory) return placement;

  std::ranges::stable_sort(ranked, {}, [&](const Ranked& r) {
    return std::pair(r.sibling, placement.interleave_memory ? r.place_on_node : 0);
  });
  std::vector<Processor> chosen;
  for (size_t t = 0; t < static_cast<size_t>(placement.threads); ++t) {
    chosen.push_back(ranked[t % ranked.size()].processor);
  }
  // Neighbours in the team work on neighbouring rows: they share a node's cache.
  std::ranges::stable_sort(chosen, {}, &Processor::node);
  for (const Processor& processor : chosen) placement.bind_to.push_back(processor.id);
  return placement;
}

}  // namespace chasqui::backend::cpu
