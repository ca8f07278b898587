#include "engine/internal/drafter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace chasqui::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<int32_t> propose(std::vector<int32_t> tokens, int64_t most, DraftState state = {}) {
  std::vector<int32_t> draft{99};  // of before
  propose_draft(tokens, most, state, draft);
  return draft;
}

TEST(Drafter, TheLongestMatchWinsAndThenTheLatest) {
  const DraftState four{.length = 4};
  EXPECT_THAT(propose({1, 2, 3, 4, 5, 1, 2}, 4, four), ElementsAre(3, 4, 5, 1));
  EXPECT_THAT(propose({1, 2, 3, 1, 2, 4, 1, 2}, 2, four), ElementsAre(4, 1)) << "latest";
  EXPECT_THAT(propose({7, 1, 2, 3, 1, 2, 4, 7, 1, 2}, 1, four), ElementsAre(3)) << "longest";
}

TEST(Drafter, ARepetitionGoesOnPastItsEnd) {
  EXPECT_THAT(propose({5, 5, 5}, 4, {.length = 4}), ElementsAre(5, 5, 5, 5));
  EXPECT_THAT(propose({8, 9, 8, 9}, 3, {.length = 3}), ElementsAre(8, 9, 8));
}

TEST(Drafter, NothingKnownNothingProposed) {
  EXPECT_THAT(propose({1}, 4), IsEmpty());
  EXPECT_THAT(propose({1, 2, 3}, 4), IsEmpty());
  EXPECT_THAT(propose({1, 2, 3, 2}, 4), IsEmpty()) << "one equal token foretells nothing";
  EXPECT_THAT(propose({1, 2, 1, 2}, 0), IsEmpty());
  EXPECT_THAT(propose({1, 2, 1, 2}, -1), IsEmpty());
}

TEST(Drafter, LengthFollowsWhatWasRight) {
  DraftState state;
  state.judge(2, 2);
  EXPECT_EQ(state.length, 4);
  state.judge(1, 1);
  EXPECT_EQ(state.length, 4) << "a draft cut short by the step says nothing against longer ones";
  state.judge(4, 3);
  EXPECT_EQ(state.length, 3);
}

TEST(Drafter, PausesGrowAndAreBounded) {
  const std::vector<int32_t> tokens{1, 2, 1, 2};
  DraftState state;
  std::vector<int32_t> draft;
  int64_t before = 0;
  for (int round = 0; round < 10; ++round) {
    state.judge(2, 0);
    int64_t pause = 0;
    for (; draft.clear(), propose_draft(tokens, 4, state, draft), draft.empty(); ++pause) {
    }
    EXPECT_GE(pause, before);
    before = pause;
  }
  EXPECT_EQ(before, 64);
  state.judge(1, 1);
  EXPECT_EQ(state.pause, 0);
}

}  // namespace
}  // namespace chasqui::engine
