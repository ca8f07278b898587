// Speculative decoding by prompt lookup: what followed the last few tokens when they stood in the
// text before is a guess at what follows now. Good on answers that repeat their prompt (edits,
// summaries, code), and free of a second model. Engine thread only.
//
// A guess costs rows of a step whether it is right or not, so each request has its own measure:
// twice as many tokens after a guess that was right to its end, as many as were right after one
// that was not, and after one that was wrong from its first token a pause that grows.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace chasqui::engine {

// How well a request's drafts did, kept in its Job.
struct DraftState {
  int64_t length = 2;  // tokens to propose next
  int64_t pause = 0;   // length of the last pause, in proposals; 0: the last draft was of use
  int64_t skip = 0;    // proposals that the pause still leaves out

  // A step verified `drafted` >= 1 tokens and `accepted` of them were right.
  void judge(int64_t drafted, int64_t accepted);
};

// Replaces `draft` by at most `most` tokens that may follow `tokens`; by none when their end did
// not occur before, or during a pause. Looks back on a bounded number of tokens.
void propose_draft(std::span<const int32_t> tokens, int64_t most, DraftState& state,
                   std::vector<int32_t>& draft);

}  // namespace chasqui::engine
