#include "engine/internal/drafter.h"

#include <algorithm>

namespace chasqui::engine {
namespace {

// Shorter ends than kMinMatch occur everywhere and foretell nothing; one of kMaxMatch is as good
// as any longer one.
constexpr int64_t kMinMatch = 2;
constexpr int64_t kMaxMatch = 6;
// Tokens looked back on: some microseconds, beside a step that reads a whole model.
constexpr int64_t kReach = 16384;
constexpr int64_t kFirstPause = 2;
constexpr int64_t kLongestPause = 64;

// How many tokens before `end` equal those before the end of `tokens`, up to kMaxMatch.
int64_t match_length(std::span<const int32_t> tokens, int64_t end) {
  const auto known = static_cast<int64_t>(tokens.size());
  int64_t length = 0;
  while (length < std::min(kMaxMatch, end) && tokens[static_cast<size_t>(end - 1 - length)] ==
                                                  tokens[static_cast<size_t>(known - 1 - length)]) {
    ++length;
  }
  return length;
}

// Where the text after the longest match begins, the latest of equals; -1: none.
int64_t find_continuation(std::span<const int32_t> tokens) {
  const auto known = static_cast<int64_t>(tokens.size());
  int64_t best = -1;
  int64_t best_length = kMinMatch - 1;
  for (int64_t end = known - 1; end > std::max<int64_t>(0, known - kReach); --end) {
    const int64_t length = match_length(tokens, end);
    if (length <= best_length) continue;
    best = end;
    best_length = length;
    if (length == kMaxMatch) break;
  }
  return best;
}

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

void propose_draft(std::span<const int32_t> tokens, int64_t most, DraftState& state,
                   std::vector<int32_t>& draft) {
  draft.clear();
  if (most <= 0) return;
  if (state.skip > 0) {
    --state.skip;
    return;
  }
  const int64_t begin = find_continuation(tokens);
  if (begin < 0) return;
  const auto known = static_cast<int64_t>(tokens.size());
  state.length = std::min(state.length, most);
  // A text that repeats itself goes on as it did: past its end the draft follows itself.
  const int64_t period = known - begin;
  for (int64_t i = 0; i < state.length; ++i) {
    draft.push_back(tokens[static_cast<size_t>(begin + i % period)]);
  }
}

}  // namespace chasqui::engine
