#include "engine/internal/drafter.h"

#include <algorithm>
#include <exception>

namespace chasqui::engine {
namespace {

constexpr int64_t kFirstPause = 2;
constexpr int64_t kLongestPause = 64;

}  // namespace

void DraftState::judge(int64_t drafted, int64_t accepted) {
  if (accepted == 0) {
    length = 1;
    pause = std::clamp(2 * pause, kFirstPause, kLongestPause);
    skip = pause;
    return;
  }
  pause = 0;
  length = accepted == drafted ? std::max(length, 2 * drafted) : accepted;
}

bool DraftState::pauses() {
  if (skip == 0) return false;
  --skip;
  return true;
}

void Drafter::propose(std::span<Job* const> stepped, std::span<const sched::Advance> advances,
                      int64_t room) {
  if (!source_ || room <= 0) return;
  asks_.clear();
  for (size_t i = 0; i < advances.size(); ++i) {
    if (static_cast<int64_t>(asks_.size()) == room) break;
    if (advances[i].ended || advances[i].token < 0) continue;
    Job& job = *stepped[i];
    // The last token of an answer is sampled after the last draft.
    const int64_t left = job.request.max_tokens - job.usage.completion_tokens - 1;
    if (left <= 0 || job.draft_state.pauses()) continue;
    job.draft_state.length = std::min({job.draft_state.length, most_, left});
    asks_.push_back({&job, std::min(job.draft_state.length, room)});
  }
  if (asks_.empty()) return;
  try {
    source_->propose(asks_, room);
  } catch (const std::exception&) {
    // No memory, most likely. Nobody waits for a guess.
    for (const DraftAsk& ask : asks_) ask.job->draft.clear();
    source_->reset();
  }
}

}  // namespace chasqui::engine
