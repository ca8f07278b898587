// Speculative decoding as the engine's loop sees it: who is guessed for, how far, and how it went.
// Engine thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/internal/draft_source.h"
#include "sched/step_plan.h"

namespace chasqui::engine {

class Drafter {
 public:
  // `source`: null where nothing is guessed. `most`: tokens for one job.
  Drafter(std::unique_ptr<DraftSource> source, int64_t most)
      : source_(std::move(source)), most_(most) {}

  // On the engine's thread, before anything else.
  void begin() {
    if (source_) source_->begin();
  }

  // After Scheduler::commit(): guesses for those of `stepped` that lack one token, at most `room`
  // tokens together. `advances`: what the step did to each of `stepped`.
  void propose(std::span<Job* const> stepped, std::span<const sched::Advance> advances,
               int64_t room);

  void forget(const Job& job) {
    if (source_) source_->forget(job);
  }

 private:
  const std::unique_ptr<DraftSource> source_;
  const int64_t most_;
  std::vector<DraftAsk> asks_;
};

}  // namespace chasqui::engine
