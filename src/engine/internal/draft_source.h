// Where guesses come from. A guess is verified like any other text that is known, so a source
// cannot change an answer; it can only be right more or less often. Engine thread only.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "engine/internal/job.h"

namespace chasqui::engine {

// A running job that lacks one token, to be guessed ahead.
struct DraftAsk {
  Job* job = nullptr;
  int64_t most = 0;  // tokens, >= 1
};

class DraftSource {
 public:
  virtual ~DraftSource() = default;

  // Called once, before the first propose().
  virtual void begin() {}

  // Sets each job's `draft`, which is empty, to at most `most` tokens that may follow its `tokens`;
  // all drafts together have at most `room` >= 1. May throw (no memory): then reset() follows.
  virtual void propose(std::span<const DraftAsk> asks, int64_t room) = 0;

  // The job is about to end.
  virtual void forget(const Job& /*job*/) {}

  // Forgets everything about all jobs.
  virtual void reset() {}
};

// What each of `asks` may have of `room`, when they share it evenly: the first tokens of two drafts
// are right more often than the first two of one.
inline int64_t even_share(int64_t room, int64_t asks) {
  return std::max<int64_t>(1, room / std::max<int64_t>(1, asks));
}

}  // namespace chasqui::engine
