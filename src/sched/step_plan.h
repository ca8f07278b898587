// What the next forward step computes, and what came of it.
#pragma once

#include <cstdint>
#include <vector>

#include "sched/sequence.h"

namespace chasqui::sched {

// Neighbouring positions of one sequence; one row of the batch each. More than one row may be
// wanted: log-probabilities of a prompt, or drafts to verify.
struct RowGroup {
  Sequence* sequence = nullptr;
  int64_t begin = 0;    // position of the first row, == sequence->computed
  int64_t count = 0;    // >= 1; begin + count <= sequence->known() + drafted
  int64_t wanted = 0;   // the last `wanted` rows have outputs that somebody reads
  int64_t drafted = 0;  // the last `drafted` rows are the beginning of sequence->draft; all of them
                        // are wanted, and so is the row before them

  int64_t end() const { return begin + count; }
  bool catches_up() const { return end() - drafted == sequence->known(); }
  // REQUIRES: 0 <= position < end().
  int32_t token(int64_t position) const {
    const int64_t known = sequence->known();
    return position < known ? sequence->tokens[static_cast<size_t>(position)]
                            : sequence->draft[static_cast<size_t>(position - known)];
  }
};

// INVARIANT: at most one group a sequence; sums as named; within the scheduler's limits.
struct StepPlan {
  std::vector<RowGroup> rows;
  int64_t row_count = 0;   // sum of `count`
  int64_t logit_rows = 0;  // sum of `wanted` of sequences that want logits
};

// What a step did to one RowGroup: all its rows are computed, of the drafted ones the first
// `accepted` are known, the others never were, and then
struct Advance {
  int32_t token = -1;    // this token is known too; -1: none was sampled
  bool ended = false;    // the sequence needs no further step
  int64_t accepted = 0;  // <= RowGroup::drafted
};

}  // namespace chasqui::sched
