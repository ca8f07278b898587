// One request as the scheduler sees it: tokens that are known, and how far the cache has got.
//
// There is no prefill and no decode. A sequence knows `tokens.size()` tokens, of which `computed`
// are in the cache; each step computes some of the rest. When it has caught up, its owner samples
// the next token, and it knows one more. A long prompt, a prefix hit, a return after preemption
// and a draft to verify are all the same difference.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.h"
#include "kv/kv_manager.h"
#include "kv/tier.h"

namespace chasqui::sched {

enum class SequenceState : uint8_t {
  //            stands in       has a table   is planned   leaves by
  kNew,      // nowhere         no            no           Scheduler::add
  kWaiting,  // waiting queue   no            no           admission, cancel, failure
  kRunning,  // running list    yes           yes          preemption (back to waiting), end,
             //                                            cancel, failure
  kEnded,    // ended list      no            never        reap(): it is its owner's alone
};

// Owned by the caller of Scheduler::add(), at a fixed address until reap() hands it back.
struct Sequence {
  // Constant from add() on.
  uint64_t id = 0;          // for messages only
  int priority = 0;         // higher runs earlier
  uint64_t cache_salt = 0;  // equal salts share cached blocks
  bool use_prefix_cache = true;
  bool wants_logits = true;  // its wanted rows count against StepPlan::logit_rows

  // Not empty. The prompt at first; commit() appends what was sampled.
  std::vector<int32_t> tokens;

  // Tokens that may follow `tokens`, in order: a guess that its owner sets between commit() and
  // plan(), and that commit() clears. plan() may take the first few of them into a step; all of
  // them must be read, so it does so only where wanted_from <= computed.
  std::vector<int32_t> draft;

  // Rows at positions >= wanted_from have outputs that the owner reads, so no prefix hit may skip
  // them: the last position of the prompt for plain generation, 0 for the log-probabilities of a
  // prompt. Set before add(); commit() raises it, so that nothing is read twice after preemption.
  int64_t wanted_from = 0;

  // Scheduler only; others may read.
  SequenceState state = SequenceState::kNew;
  int64_t computed = 0;       // INVARIANT: 0 <= computed < tokens.size() unless ended
  int64_t cached_tokens = 0;  // prefix hit of the first admission
  bool admitted_before = false;
  bool fresh = false;       // admitted, and no row planned since
  uint64_t arrival = 0;     // order of add()
  uint64_t turn = 0;        // when it last got a piece of its prompt computed
  uint64_t planned_in = 0;  // the last plan that has a row of it
  kv::TableId table = kv::kNoTable;
  // While set, `leader` is about to compute positions [computed, shared_until), which begin this
  // sequence too: it waits for the blocks instead of computing them again. INVARIANT: the leader
  // is running and ranks before this one.
  const Sequence* leader = nullptr;
  int64_t shared_until = 0;
  // While set, blocks of a second tier are on their way into its table, and it is not planned.
  kv::LoadId load = kv::kNoLoad;
  bool tier_asked = false;       // since it was admitted
  std::optional<Error> failure;  // why the scheduler ended it, if it did

  int64_t known() const { return static_cast<int64_t>(tokens.size()); }
  int64_t remaining() const { return known() - computed; }
};

}  // namespace chasqui::sched
