#include "engine/internal/lookup_drafts.h"

#include <algorithm>

namespace chasqui::engine {
namespace {

// Shorter ends than kMinMatch occur everywhere and foretell nothing; one of kMaxMatch is as good
// as any longer one.
constexpr int64_t kMinMatch = 2;
constexpr int64_t kMaxMatch = 6;
// Tokens looked back on: some microseconds, beside a step that reads a whole model.
constexpr int64_t kReach = 16384;

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

void look_up_draft(std::span<const int32_t> tokens, int64_t most, std::vector<int32_t>& draft) {
  draft.clear();
  if (most <= 0) return;
  const int64_t begin = find_continuation(tokens);
  if (begin < 0) return;
  // A text that repeats itself goes on as it did: past its end the draft follows itself.
  const int64_t period = static_cast<int64_t>(tokens.size()) - begin;
  for (int64_t i = 0; i < most; ++i) {
    draft.push_back(tokens[static_cast<size_t>(begin + i % period)]);
  }
}

void LookupDrafts::propose(std::span<const DraftAsk> asks, int64_t room) {
  int64_t found = 0;
  for (const DraftAsk& ask : asks) {
    look_up_draft(ask.job->tokens, ask.most, ask.job->draft);
    found += ask.job->draft.empty() ? 0 : 1;
  }
  const auto share = static_cast<size_t>(even_share(room, found));
  for (const DraftAsk& ask : asks) {
    std::vector<int32_t>& draft = ask.job->draft;
    draft.resize(std::min({draft.size(), share, static_cast<size_t>(room)}));
    room -= static_cast<int64_t>(draft.size());
  }
}

}  // namespace chasqui::engine
