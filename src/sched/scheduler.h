// Decides which tokens run next. Knows sequences and blocks, no model and no text.
//
// Each plan: (1) sequences that lack one token get their row; (2) waiting sequences are admitted
// in order while their whole known text fits beside what was promised to those before; (3) what is
// left of the row budget goes to the others in turns, at most `prefill_chunk` rows each while
// several share the step, and all together no more beside rows of (1): nobody waits behind
// another's long prompt, or behind many prompts, for more than a chunk. Deep in a text, where
// attention makes rows expensive, a chunk has fewer. Who runs out of blocks
// takes them from the worst sequence (lowest priority, then youngest), which goes back to the
// queue and mostly returns as a prefix hit; the worst one itself waits. So the best one always
// advances, hence every sequence ends.
//
// Who shares the beginning of its prompt with a better one that is still computing it lets that
// one go ahead and then takes the blocks as a prefix hit: n answers to one prompt, or many users
// of one system prompt, cost one prefill even when they arrive together. Right before its first own
// row a sequence also copies what agrees of a block that differs later on.
//
// After that it waits for what a second tier has of its prefix, if there is one; the others go on.
//
// Sequences of a model in which every row sees its whole text (encoders) are computed in one step
// each, or not at all in this one: `whole_sequences`.
//
// What is left of a step then goes to drafts (Sequence::draft), one row each, while the step stays
// small (`draft_rows`). They take free blocks only, and commit() gives back those that it did not
// need.
//
// When nothing can run, the oldest fails with "needs N blocks, have M" instead of looping.
//
// Engine thread only. Deterministic: equal calls give equal plans.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kv/kv_manager.h"
#include "kv/tier_link.h"
#include "sched/sequence.h"
#include "sched/step_plan.h"

namespace chasqui::sched {

struct SchedulerOptions {
  int64_t max_sequences = 64;      // running at once; lowered to the two limits below
  int64_t max_batch_tokens = 512;  // rows of a step
  int64_t max_logit_rows = 64;     // rows of a step that want logits
  int64_t prefill_chunk = 256;     // rows of one sequence in a step that others share; rows of all
                                   // prompts in a step that somebody's next token comes from
  int64_t draft_rows = 0;          // a step that has so many rows gets no drafts; 0: never
  // A row behind d tokens costs 1 + d / even_depth of one at the beginning of a text, and counts so
  // against the rows of a prompt above. 0: rows cost alike.
  int64_t even_depth = 0;
  // All rows of a sequence go into one step. Then (1) and prefill_chunk above do not apply, a
  // sequence must have at most max_batch_tokens tokens, and none may want logits.
  bool whole_sequences = false;
};

class Scheduler {
 public:
  // `kv` outlives the scheduler, which alone opens and closes tables. REQUIRES: draft_rows and
  // even_depth >= 0, the other options >= 1.
  // `tier`: null, or a link to the second tier of `kv`, which outlives the scheduler too.
  Scheduler(kv::KvManager& kv, SchedulerOptions options, kv::TierLink* tier = nullptr);

  // Queues a sequence (state kNew, not empty). It must stay alive until reap() returns it.
  void add(Sequence& sequence);

  // Ends a waiting or running sequence; an ended one is left alone. Not between plan() and
  // commit().
  void cancel(Sequence& sequence);

  // The next step; empty when there is nothing to do but to wait for the second tier. Blocks for
  // all its rows are reserved. Must be followed by commit() or abandon_step() unless empty. Valid
  // until the next plan().
  const StepPlan& plan();

  // The step ran. `advances`: one for each of plan().rows, in order. Afterwards a sequence that
  // has not ended knows more than is computed (a token was sampled, or rows are left).
  void commit(std::span<const Advance> advances);

  // Instead of commit(): the step failed halfway, and what it left in the cache is unknown. Ends
  // the sequences of plan().rows; those that have just come to a copy of somebody's block begin
  // anew, because the copies may not have been made (KvManager::copies_done() is the caller's).
  void abandon_step();

  // Moves all sequences that ended since the last call to `out`. Those with `failure` were ended
  // by the scheduler.
  void reap(std::vector<Sequence*>& out);

  int64_t running() const { return static_cast<int64_t>(running_.size()); }
  int64_t waiting() const { return static_cast<int64_t>(waiting_.size()); }
  int64_t preemptions() const { return preemptions_; }  // since start
  const SchedulerOptions& options() const { return options_; }

  // Aborts unless lists, states, tables and the current plan agree, and kv's own invariants hold.
  void check_integrity() const;

 private:
  void begin_plan();
  void plan_single_rows();
  void admit_waiting();
  void plan_in_turns();
  int64_t rows_of_one_turn() const;
  int64_t rows_of(const Sequence& sequence, int64_t budget) const;
  int64_t rows_worth(const Sequence& sequence, int64_t budget) const;
  int64_t cost(const Sequence& sequence, int64_t rows) const;
  void plan_drafts();
  void add_draft(RowGroup& group);
  void fail_stuck();

  bool make_room(Sequence& sequence, int64_t tokens);
  void accept_draft(const RowGroup& group, int64_t accepted);
  void add_rows(Sequence& sequence, int64_t count);
  void remove_rows(const Sequence& sequence);
  int64_t wanted_rows(const Sequence& sequence, int64_t count) const;
  int64_t affordable_rows(const Sequence& sequence, int64_t count) const;

  int64_t least_step(const Sequence& sequence) const;
  bool can_ever_run(const Sequence& sequence) const;
  bool try_admit(Sequence& sequence);
  bool fits_beside_promises(const Sequence& sequence) const;
  void choose_leader(Sequence& sequence) const;
  bool waits_for_leader(Sequence& sequence);
  bool waits_for_tier(Sequence& sequence);
  bool anything_loads() const;
  void borrow_prefix(Sequence& sequence);
  bool preempt_for(const Sequence& sequence);
  void preempt(Sequence& sequence);
  void fail(Sequence& sequence, int64_t tokens);
  void end(Sequence& sequence);
  void leave_list(Sequence& sequence);

  // Constant after construction.
  kv::KvManager& kv_;
  SchedulerOptions options_;
  kv::TierLink* tier_;

  // Both sorted by rank: higher priority first, then older. The worst stands last.
  std::vector<Sequence*> waiting_;
  std::vector<Sequence*> running_;
  std::vector<Sequence*> ended_;
  StepPlan plan_;
  std::vector<Sequence*> turns_;  // scratch of plan_in_turns(); read by abandon_step()
  bool preempted_ = false;        // in this plan: then nobody is admitted into the gap
  uint64_t plans_ = 0;
  uint64_t arrivals_ = 0;
  uint64_t turns_taken_ = 0;
  int64_t preemptions_ = 0;
};

}  // namespace chasqui::sched
