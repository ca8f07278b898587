// The part of the scheduler that decides who may begin, and who never can.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "sched/internal/rank.h"
#include "sched/scheduler.h"

namespace chasqui::sched {
namespace {

// Of the blocks, 1 / kSpareShare stays free at admission, and one block for each running
// sequence: those grow by a block every block_tokens steps, and an admission that leaves them no
// room would be undone by preemption a few steps later.
constexpr int64_t kSpareShare = 64;

// A hit leaves a token to compute, and every row that somebody reads.
int64_t max_hit(const Sequence& sequence) {
  return std::min(sequence.known() - 1, sequence.wanted_from);
}

kv::OpenArgs open_args(const Sequence& sequence) {
  return {sequence.tokens, max_hit(sequence), sequence.cache_salt, sequence.use_prefix_cache};
}

int64_t common_prefix(const Sequence& a, const Sequence& b) {
  const auto differ = std::ranges::mismatch(a.tokens, b.tokens);
  return differ.in1 - a.tokens.begin();
}

}  // namespace

// In order of rank and never around the first: a short request that overtakes a long one whenever
// room is tight would let the long one starve.
void Scheduler::admit_waiting() {
  while (!waiting_.empty() && !preempted_) {
    Sequence& head = *waiting_.front();
    if (!can_ever_run(head)) {
      fail(head, head.known());
      continue;
    }
    bool admitted = try_admit(head);
    while (!admitted && preempt_for(head)) admitted = try_admit(head);
    if (!admitted) return;
  }
}

bool Scheduler::can_ever_run(const Sequence& sequence) const {
  for (int g = 0; g < kv_.groups(); ++g) {
    if (kv_.peak_blocks(g, sequence.known(), least_step(sequence)) > kv_.total_blocks(g)) {
      return false;
    }
  }
  return true;
}

// The fewest rows that it can be computed with at once.
int64_t Scheduler::least_step(const Sequence& sequence) const {
  return options_.whole_sequences ? sequence.known() : 1;
}

bool Scheduler::try_admit(Sequence& sequence) {
  if (running() >= options_.max_sequences) return false;
  const kv::Opened opened = kv_.open(open_args(sequence));
  sequence.table = opened.table;
  if (!running_.empty() && !fits_beside_promises(sequence)) {
    kv_.close(sequence.table);
    sequence.table = kv::kNoTable;
    return false;
  }
  std::erase(waiting_, &sequence);
  sequence.state = SequenceState::kRunning;
  sequence.computed = opened.hit_tokens;
  sequence.turn = ++turns_taken_;  // behind everybody who waits for a turn already
  if (!sequence.admitted_before) sequence.cached_tokens = opened.hit_tokens;
  sequence.admitted_before = true;
  sequence.fresh = true;
  sequence.tier_asked = false;
  choose_leader(sequence);
  insert_by_rank(running_, sequence);
  return true;
}

// The running sequence that will publish the most of what this one needs.
void Scheduler::choose_leader(Sequence& sequence) const {
  sequence.leader = nullptr;
  sequence.shared_until = sequence.computed;
  if (!sequence.use_prefix_cache || !kv_.shares()) return;
  for (const Sequence* other : running_) {
    const bool sharing = other->use_prefix_cache && other->cache_salt == sequence.cache_salt &&
                         ranks_before(other, &sequence);
    if (!sharing || other->computed >= max_hit(sequence)) continue;
    const int64_t common = std::min(common_prefix(*other, sequence), max_hit(sequence));
    const int64_t until = kv_.last_border(other->table, common);
    // One whose rows are all read goes slowly, because logits rows are scarce.
    const bool slow = other->wants_logits && other->wanted_from < until - 1;
    if (slow || until <= sequence.shared_until || other->computed >= until) continue;
    sequence.leader = other;
    sequence.shared_until = until;
  }
}

// Takes what the leader has published by now; false when the sequence should go on by itself. The
// leader ranks before it, so it advances while this one waits.
bool Scheduler::waits_for_leader(Sequence& sequence) {
  if (sequence.computed >= sequence.shared_until) return false;
  const int64_t before = sequence.computed;
  sequence.computed = kv_.extend(sequence.table, open_args(sequence));
  if (before == sequence.cached_tokens) sequence.cached_tokens = sequence.computed;
  const Sequence* leader = sequence.leader;  // null when it left: then this was the last look
  if (leader != nullptr && leader->computed < sequence.shared_until) return true;
  sequence.leader = nullptr;
  sequence.shared_until = 0;
  return false;
}

// Takes what has come from the second tier; false when there is no more to wait for. Only before
// the first own row: then the table ends with a whole block.
bool Scheduler::waits_for_tier(Sequence& sequence) {
  if (tier_ == nullptr || !sequence.fresh) return false;
  if (!sequence.tier_asked) {
    sequence.tier_asked = true;
    sequence.load = tier_->begin(sequence.table, open_args(sequence));
  }
  if (sequence.load == kv::kNoLoad) return false;
  const int64_t before = sequence.computed;
  sequence.computed = kv_.computed(sequence.table);
  if (before == sequence.cached_tokens) sequence.cached_tokens = sequence.computed;
  if (tier_->loading(sequence.load)) return true;
  tier_->end(std::exchange(sequence.load, kv::kNoLoad));
  return false;
}

bool Scheduler::anything_loads() const {
  return std::ranges::any_of(running_, [](const Sequence* s) { return s->load != kv::kNoLoad; });
}

// The last look before its first rows.
void Scheduler::borrow_prefix(Sequence& sequence) {
  const int64_t before = sequence.computed;
  sequence.computed = kv_.borrow(sequence.table, open_args(sequence));
  if (before == sequence.cached_tokens) sequence.cached_tokens = sequence.computed;
}

// Running sequences reserve their prompts chunk by chunk, so free blocks alone would be promised
// to several newcomers at once; what the running ones will still take is subtracted here.
bool Scheduler::fits_beside_promises(const Sequence& sequence) const {
  const auto growth = [this](const Sequence& s, int g) {
    const int64_t rest = std::max<int64_t>(1, s.remaining());
    const int64_t step = std::max(std::min(options_.prefill_chunk, rest), least_step(s));
    const int64_t peak = kv_.peak_blocks(g, s.known(), step);
    return std::max<int64_t>(0, peak - kv_.held_blocks(s.table, g));
  };
  for (int g = 0; g < kv_.groups(); ++g) {
    int64_t needed = growth(sequence, g) + kv_.total_blocks(g) / kSpareShare + running();
    for (const Sequence* other : running_) needed += growth(*other, g);
    if (needed > kv_.available_blocks(g)) return false;
  }
  return true;
}

// Only for a strictly higher priority; equals wait for each other.
bool Scheduler::preempt_for(const Sequence& sequence) {
  if (running_.empty() || running_.back()->priority >= sequence.priority) return false;
  preempt(*running_.back());
  return true;
}

// Nothing could be planned: the first of those who run has taken what everybody else had and
// still lacks a block. (Whoever waits has been admitted or failed by then.)
void Scheduler::fail_stuck() {
  CHASQUI_CHECK(running() == 1, "{} running and {} waiting sequences are stuck", running(),
                waiting());
  Sequence& sequence = *running_.front();
  fail(sequence, sequence.computed + 1);
}

void Scheduler::fail(Sequence& sequence, int64_t tokens) {
  int64_t need = 0;
  int64_t have = 0;
  for (int g = 0; g < kv_.groups() && need <= have; ++g) {  // stops at the group that is too small
    need = kv_.peak_blocks(g, tokens, least_step(sequence));
    have = kv_.total_blocks(g);
  }
  sequence.failure = Error{
      ErrorCode::kResourceExhausted,
      fmt::format("the request needs {} blocks of the KV cache ({} tokens in blocks of {}), have "
                  "{}; shorten it, or start the server with a larger cache",
                  need, tokens, kv_.block_tokens(), have),
      ""};
  end(sequence);
}

}  // namespace chasqui::sched
