// The one order of sequences: who is served first, and, from the other end, who pays.
#pragma once

#include <algorithm>
#include <vector>

#include "sched/sequence.h"

namespace chasqui::sched {

// Higher priority first, then older. A sequence that returns from preemption keeps its age.
inline bool ranks_before(const Sequence* a, const Sequence* b) {
  if (a->priority != b->priority) return a->priority > b->priority;
  return a->arrival < b->arrival;
}

inline void insert_by_rank(std::vector<Sequence*>& list, Sequence& sequence) {
  list.insert(std::ranges::upper_bound(list, &sequence, ranks_before), &sequence);
}

}  // namespace chasqui::sched
