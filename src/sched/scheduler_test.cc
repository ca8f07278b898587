#include "sched/scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <vector>

namespace chasqui::sched {
namespace {

constexpr int64_t kBlock = 16;

// A scheduler over one group, and sequences with distinct tokens.
class SchedulerTest : public testing::Test {
 protected:
  void start(int64_t blocks, SchedulerOptions options, kv::KvOptions kv = {}) {
    kv_ = std::make_unique<kv::KvManager>(std::vector<kv::KvGroup>{{{kBlock, 1, 0}, blocks}}, kv);
    scheduler_ = std::make_unique<Scheduler>(*kv_, options);
  }

  Sequence& add(int64_t prompt, int priority = 0) {
    Sequence& sequence = make(prompt);
    sequence.priority = priority;
    sequence.wanted_from = prompt - 1;
    scheduler_->add(sequence);
    return sequence;
  }

  // A text whose hidden states are wanted, and no answer.
  Sequence& add_text(int64_t tokens) {
    Sequence& sequence = make(tokens);
    sequence.wants_logits = false;
    scheduler_->add(sequence);
    return sequence;
  }

  Sequence& make(int64_t tokens) {
    auto& sequence = *sequences_.emplace_back(std::make_unique<Sequence>());
    sequence.id = sequences_.size();
    for (int64_t i = 0; i < tokens; ++i) sequence.tokens.push_back(next_token_++);
    return sequence;
  }

  // One step; sequences that catch up learn a token. Returns rows by sequence.
  std::map<uint64_t, int64_t> step() {
    const StepPlan& plan = scheduler_->plan();
    scheduler_->check_integrity();
    std::map<uint64_t, int64_t> rows;
    std::vector<Advance> advances;
    for (const RowGroup& group : plan.rows) {
      rows[group.sequence->id] = group.count;
      const bool samples = group.catches_up() && group.sequence->wants_logits;
      advances.push_back(
          {samples ? next_token_++ : -1, group.catches_up() && !group.sequence->wants_logits});
    }
    if (!advances.empty()) scheduler_->commit(advances);
    scheduler_->check_integrity();
    return rows;
  }

  std::vector<Sequence*> reap() {
    std::vector<Sequence*> ended;
    scheduler_->reap(ended);
    return ended;
  }

  std::unique_ptr<kv::KvManager> kv_;
  std::unique_ptr<Scheduler> scheduler_;
  std::vector<std::unique_ptr<Sequence>> sequences_;
  int32_t next_token_ = 0;
};

using Rows = std::map<uint64_t, int64_t>;

TEST_F(SchedulerTest, AloneAPromptGetsTheWholeBudgetSharedAChunk) {
  start(1000, {.max_batch_tokens = 100, .prefill_chunk = 30});
  add(250);
  EXPECT_EQ(step(), (Rows{{1, 100}}));
  add(250);
  EXPECT_EQ(step(), (Rows{{1, 30}, {2, 30}}));
  EXPECT_EQ(step(), (Rows{{1, 30}, {2, 30}}));
}

TEST_F(SchedulerTest, WholeSequencesComeInOneStepAndLongOnesAreNotOvertakenForEver) {
  start(1000, {.max_batch_tokens = 100, .prefill_chunk = 30, .whole_sequences = true},
        {.prefix_cache = false});
  const auto text = [this](int64_t tokens) { return add_text(tokens).id; };
  const auto a = text(60);
  const auto b = text(90);
  const auto c = text(1);
  EXPECT_EQ(step(), (Rows{{a, 60}, {c, 1}})) << "what does not fit is stepped around";
  const auto d = text(50);
  EXPECT_EQ(step(), (Rows{{b, 90}})) << "and then goes first";
  const auto e = text(50);
  EXPECT_EQ(step(), (Rows{{d, 50}, {e, 50}}));
  EXPECT_EQ(step(), Rows());
}

TEST_F(SchedulerTest, RunningSequencesComeFirstWithOneTokenEach) {
  start(1000, {.max_batch_tokens = 40, .prefill_chunk = 40});
  add(5);
  add(7);
  EXPECT_EQ(step(), (Rows{{1, 5}, {2, 7}}));
  add(100);
  EXPECT_EQ(step(), (Rows{{1, 1}, {2, 1}, {3, 38}}));
  EXPECT_EQ(step(), (Rows{{1, 1}, {2, 1}, {3, 38}}));
}

TEST_F(SchedulerTest, BesideAStreamAllPromptsTogetherGetOneChunk) {
  start(1000, {.max_batch_tokens = 100, .prefill_chunk = 30});
  add(5);
  EXPECT_EQ(step(), (Rows{{1, 5}}));
  add(250);
  EXPECT_EQ(step(), (Rows{{1, 1}, {2, 30}}));
  add(250);
  EXPECT_EQ(step(), (Rows{{1, 1}, {2, 15}, {3, 15}}));
  add(8);  // short, and behind both: one step later it is through
  EXPECT_EQ(step(), (Rows{{1, 1}, {2, 15}, {3, 15}}));
  EXPECT_EQ(step(), (Rows{{1, 1}, {4, 8}, {2, 15}, {3, 7}}));
}

TEST_F(SchedulerTest, AChunkHasFewerRowsWhereTheyCostMore) {
  start(1000, {.max_batch_tokens = 200, .prefill_chunk = 100, .even_depth = 200});
  add(5);
  step();
  add(5000);
  EXPECT_EQ(step(), (Rows{{1, 1}, {2, 100}}));
  EXPECT_EQ(step(), (Rows{{1, 1}, {2, 66}})) << "behind 100 tokens a row costs 1.5";
  EXPECT_EQ(step(), (Rows{{1, 1}, {2, 54}}));
  add(300);
  EXPECT_EQ(step(), (Rows{{1, 1}, {2, 23}, {3, 50}})) << "half a chunk for each, by cost";
  for (int i = 0; i < 60; ++i) step();
  EXPECT_EQ(step().at(2), 16) << "never fewer than the least";
}

TEST_F(SchedulerTest, NobodyWaitsBehindALongPromptForMoreThanOneChunk) {
  start(10'000, {.max_batch_tokens = 64, .prefill_chunk = 64});
  for (int i = 0; i < 3; ++i) add(5000);
  for (int i = 0; i < 4; ++i) step();
  const Sequence& late = add(10);
  Rows waited;
  for (Rows rows = step(); !rows.contains(late.id); rows = step()) {
    for (const auto& [id, count] : rows) waited[id] += count;
  }
  EXPECT_FALSE(waited.empty());
  for (const auto& [id, rows] : waited) EXPECT_LE(rows, 64) << "sequence " << id;
}

TEST_F(SchedulerTest, ThoseWhoRunOutOfBlocksTakeThemFromTheWorst) {
  start(6, {.max_batch_tokens = 64, .prefill_chunk = 64});
  Sequence& old = add(30);
  Sequence& young = add(14);
  step();
  EXPECT_EQ(scheduler_->running(), 2);
  for (int i = 0; i < 60 && scheduler_->preemptions() == 0; ++i) step();
  EXPECT_EQ(scheduler_->preemptions(), 1);
  EXPECT_EQ(old.state, SequenceState::kRunning);
  EXPECT_EQ(young.state, SequenceState::kWaiting);
  scheduler_->cancel(old);
  const int64_t known = young.known();
  EXPECT_LT(step()[young.id], known) << "its published blocks are a prefix hit";
  EXPECT_EQ(young.known(), known + 1);
}

TEST_F(SchedulerTest, PriorityGoesFirstAndTakesTheSeatOfLower) {
  start(1000, {.max_sequences = 1, .max_batch_tokens = 64});
  Sequence& first = add(10);
  step();
  Sequence& equal = add(10);
  step();
  EXPECT_EQ(first.state, SequenceState::kRunning);
  Sequence& high = add(10, 1);
  step();
  EXPECT_EQ(high.state, SequenceState::kRunning);
  EXPECT_EQ(first.state, SequenceState::kWaiting);
  scheduler_->cancel(high);
  step();
  EXPECT_EQ(first.state, SequenceState::kRunning) << "it is older than the other";
  EXPECT_EQ(equal.state, SequenceState::kWaiting);
}

TEST_F(SchedulerTest, NewcomersAreNotAdmittedIntoBlocksPromisedToOthers) {
  start(20, {.max_batch_tokens = 32, .prefill_chunk = 16});
  add(10 * kBlock);
  add(10 * kBlock);  // would fit beside what is reserved now, not beside what is promised
  for (int i = 0; i < 5; ++i) step();
  EXPECT_EQ(scheduler_->running(), 1);
  EXPECT_EQ(scheduler_->preemptions(), 0);
}

TEST_F(SchedulerTest, WhatCanNeverRunFailsWithNumbersAndHoldsNobodyUp) {
  start(4, {});
  const Sequence& huge = add(5 * kBlock);
  const Sequence& small = add(5);
  EXPECT_EQ(step(), (Rows{{small.id, 5}}));
  const auto ended = reap();
  ASSERT_THAT(ended, testing::ElementsAre(&huge));
  EXPECT_EQ(huge.failure->code, ErrorCode::kResourceExhausted);
  EXPECT_THAT(huge.failure->message, testing::HasSubstr("needs 5 blocks"));
  EXPECT_THAT(huge.failure->message, testing::HasSubstr("have 4"));
}

TEST_F(SchedulerTest, WhatOutgrowsTheCacheAloneFailsInsteadOfLooping) {
  start(2, {});
  const Sequence& sequence = add(30);
  for (int i = 0; i < 3; ++i) step();
  EXPECT_EQ(step(), Rows{});
  EXPECT_THAT(reap(), testing::ElementsAre(&sequence));
  EXPECT_THAT(sequence.failure->message, testing::HasSubstr("needs 3 blocks"));
  EXPECT_EQ(kv_->usage().in_use, 0);
}

TEST_F(SchedulerTest, RowsWithLogitsStayWithinTheirBound) {
  start(1000, {.max_batch_tokens = 100, .max_logit_rows = 8, .prefill_chunk = 50});
  Sequence& logprobs = add(20);
  logprobs.wanted_from = 0;
  EXPECT_EQ(step(), (Rows{{1, 8}}));
  add(20);
  const Rows rows = step();
  EXPECT_EQ(rows.at(1), 8);
  EXPECT_EQ(rows.at(2), 19) << "all but the row that wants logits";
}

TEST_F(SchedulerTest, AHitNeverSkipsARowThatSomebodyReads) {
  start(1000, {});
  Sequence& first = add(40);
  step();
  for (const int64_t wanted_from : {39, 20, 0}) {
    auto& again = *sequences_.emplace_back(std::make_unique<Sequence>());
    again.id = sequences_.size();
    again.tokens = {first.tokens.begin(), first.tokens.begin() + 40};
    again.wanted_from = wanted_from;
    scheduler_->add(again);
    step();
    EXPECT_EQ(again.cached_tokens, std::min<int64_t>(wanted_from, 2 * kBlock));
  }
}

// n answers to one prompt, or a shared system prompt, submitted at the same moment.
TEST_F(SchedulerTest, WhatSeveralBeginWithIsComputedOnce) {
  start(1000, {.max_batch_tokens = 64, .prefill_chunk = 32});
  Sequence& first = add(100);
  std::vector<Sequence*> others;
  for (int i = 0; i < 3; ++i) {
    Sequence& other = *sequences_.emplace_back(std::make_unique<Sequence>());
    other.id = sequences_.size();
    other.tokens = first.tokens;
    if (i == 2) other.tokens.resize(50);  // shares 3 whole blocks and a piece of the fourth
    other.wanted_from = other.known() - 1;
    scheduler_->add(other);
    others.push_back(&other);
  }
  EXPECT_EQ(step(), (Rows{{1, 32}}));
  EXPECT_EQ(step(), (Rows{{1, 32}}));
  EXPECT_EQ(step(), (Rows{{1, 32}, {4, 1}})) << "the shared blocks are there: it goes on";
  EXPECT_EQ(step(), (Rows{{1, 4}, {4, 1}, {2, 4}, {3, 4}}));
  EXPECT_EQ(others[0]->cached_tokens, 96);
  EXPECT_EQ(others[2]->cached_tokens, 49);
}

TEST_F(SchedulerTest, WhoFollowsGoesOnAloneWhenTheLeaderLeaves) {
  start(1000, {.max_batch_tokens = 64, .prefill_chunk = 32});
  Sequence& first = add(100);
  Sequence& other = *sequences_.emplace_back(std::make_unique<Sequence>());
  other.id = 2;
  other.tokens = first.tokens;
  other.wanted_from = 99;
  scheduler_->add(other);
  EXPECT_EQ(step(), (Rows{{1, 32}}));
  EXPECT_EQ(step(), (Rows{{1, 32}}));
  scheduler_->cancel(first);
  EXPECT_EQ(step(), (Rows{{2, 36}}));
  EXPECT_EQ(other.cached_tokens, 64);
}

TEST_F(SchedulerTest, CancelledSequencesLeaveFromAnywhere) {
  start(1000, {.max_sequences = 1, .max_batch_tokens = 10});
  Sequence& prefilling = add(100);
  Sequence& waiting = add(10);
  step();
  scheduler_->cancel(prefilling);
  scheduler_->cancel(waiting);
  scheduler_->cancel(waiting);
  EXPECT_THAT(reap(), testing::ElementsAre(&prefilling, &waiting));
  EXPECT_EQ(step(), Rows{});
  EXPECT_EQ(kv_->usage().in_use, 0);
}

}  // namespace
}  // namespace chasqui::sched
