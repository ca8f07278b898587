#include "engine/internal/lookup_drafts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace chasqui::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<int32_t> propose(std::vector<int32_t> tokens, int64_t most) {
  std::vector<int32_t> draft{99};  // of before
  look_up_draft(tokens, most, draft);
  return draft;
}

TEST(LookupDrafts, TheLongestMatchWinsAndThenTheLatest) {
  EXPECT_THAT(propose({1, 2, 3, 4, 5, 1, 2}, 4), ElementsAre(3, 4, 5, 1));
  EXPECT_THAT(propose({1, 2, 3, 1, 2, 4, 1, 2}, 2), ElementsAre(4, 1)) << "latest";
  EXPECT_THAT(propose({7, 1, 2, 3, 1, 2, 4, 7, 1, 2}, 1), ElementsAre(3)) << "longest";
}

TEST(LookupDrafts, ARepetitionGoesOnPastItsEnd) {
  EXPECT_THAT(propose({5, 5, 5}, 4), ElementsAre(5, 5, 5, 5));
  EXPECT_THAT(propose({8, 9, 8, 9}, 3), ElementsAre(8, 9, 8));
}

TEST(LookupDrafts, NothingKnownNothingProposed) {
  EXPECT_THAT(propose({1}, 4), IsEmpty());
  EXPECT_THAT(propose({1, 2, 3}, 4), IsEmpty());
  EXPECT_THAT(propose({1, 2, 3, 2}, 4), IsEmpty()) << "one equal token foretells nothing";
  EXPECT_THAT(propose({1, 2, 1, 2}, 0), IsEmpty());
  EXPECT_THAT(propose({1, 2, 1, 2}, -1), IsEmpty());
}

TEST(DraftState, LengthFollowsWhatWasRight) {
  DraftState state;
  state.judge(2, 2);
  EXPECT_EQ(state.length, 4);
  state.judge(1, 1);
  EXPECT_EQ(state.length, 4) << "a draft cut short by the step says nothing against longer ones";
  state.judge(4, 3);
  EXPECT_EQ(state.length, 3);
}

TEST(DraftState, PausesGrowAndAreBounded) {
  DraftState state;
  int64_t before = 0;
  for (int round = 0; round < 10; ++round) {
    state.judge(2, 0);
    int64_t pause = 0;
    while (state.pauses()) ++pause;
    EXPECT_GE(pause, before);
    before = pause;
  }
  EXPECT_EQ(before, 64);
  state.judge(1, 1);
  EXPECT_EQ(state.pause, 0);
}

}  // namespace
}  // namespace chasqui::engine
