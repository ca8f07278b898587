// Which blocks of a table keep their recurrent state. A state is as large as thousands of tokens of
// keys and values, so it is kept at few places: every so many blocks, for whoever shares the
// beginning of a text, and at the end of what was known when the table was opened, for whoever asks
// the same again or goes on from there.
#pragma once

#include <cstdint>

namespace chasqui::kv {

struct StateMarks {
  int64_t every = 1;      // blocks
  int64_t last_one = -1;  // besides, this block; -1: none

  bool keeps(int64_t block) const { return (block + 1) % every == 0 || block == last_one; }

  // Kept blocks in [0, blocks).
  int64_t kept_in(int64_t blocks) const {
    const bool besides = last_one >= 0 && last_one < blocks && (last_one + 1) % every != 0;
    return blocks / every + (besides ? 1 : 0);
  }

  // States that a row of `have` blocks takes to grow to `wanted`: those that are kept, and the
  // last.
  int64_t states_for(int64_t have, int64_t wanted) const {
    if (wanted <= have) return 0;
    return kept_in(wanted) - kept_in(have) + (keeps(wanted - 1) ? 0 : 1);
  }

  // Most blocks to which a row of `have` can grow with `states` more.
  int64_t reach(int64_t have, int64_t states) const {
    if (states == 0) return have;
    int64_t fits = have;
    int64_t too_far = have + (states + 1) * every;  // contains states + 1 kept ones
    while (too_far - fits > 1) {
      const int64_t middle = fits + (too_far - fits) / 2;
      (states_for(have, middle) <= states ? fits : too_far) = middle;
    }
    return fits;
  }

  // The last border of blocks, at or before `blocks`, with a state that is kept; 0: none.
  int64_t border_before(int64_t blocks) const {
    const int64_t regular = blocks / every * every;
    return last_one < blocks && last_one + 1 > regular ? last_one + 1 : regular;
  }
};

}  // namespace chasqui::kv
