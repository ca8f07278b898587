// How well a request's drafts did, and how far to guess next. A guess costs rows of a step whether
// it is right or not, so each request has its own measure: twice as many tokens after a guess that
// was right to its end, as many as were right after one that was not, and after one that was wrong
// from its first token a pause that grows. So drafts that are never right cost one row in 65 steps.
#pragma once

#include <cstdint>

namespace chasqui::engine {

struct DraftState {
  int64_t length = 2;  // tokens to propose next
  int64_t pause = 0;   // length of the last pause, in proposals; 0: the last draft was of use
  int64_t skip = 0;    // proposals that the pause still leaves out

  // A step verified `drafted` >= 1 tokens and `accepted` of them were right.
  void judge(int64_t drafted, int64_t accepted);

  // Whether this proposal is left out; counts it.
  bool pauses();
};

}  // namespace chasqui::engine
