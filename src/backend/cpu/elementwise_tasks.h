// Divides the rows of a cheap op among the team.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/thread_team.h"

namespace chasqui::backend::cpu {

// Values that one core gets through in about 5 us even when they come from the second-level cache.
// Less than this is done by the calling thread: waking the team costs as much; more is cut into
// tasks of about this size, so that a slow core holds up little.
constexpr int64_t kTaskValues = 16 * 1024;

// Calls fn(first row, end row) over all of [0, rows), each row in exactly one call, possibly at
// the same time from several threads.
template <typename Fn>
void for_rows(ThreadTeam& team, int64_t rows, int64_t values_per_row, const Fn& fn) {
  const int64_t step = std::max<int64_t>(1, kTaskValues / std::max<int64_t>(1, values_per_row));
  if (rows * values_per_row <= kTaskValues || rows <= 1) {
    if (rows > 0) fn(int64_t{0}, rows);
    return;
  }
  team.run((rows + step - 1) / step,
           [&](int64_t task, int) { fn(task * step, std::min(rows, (task + 1) * step)); });
}

}  // namespace chasqui::backend::cpu
