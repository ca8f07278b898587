#include "sched/scheduler.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/check.h"
#include "sched/internal/rank.h"

namespace chasqui::sched {
namespace {

// However deep a text is, a chunk has so many rows: fewer would read all weights for next to
// nothing.
constexpr int64_t kLeastChunk = 16;

}  // namespace

Scheduler::Scheduler(kv::KvManager& kv, SchedulerOptions options, kv::TierLink* tier)
    : kv_(kv), options_(options), tier_(tier) {
  CHASQUI_CHECK(options.max_sequences >= 1 && options.max_batch_tokens >= 1 &&
                    options.max_logit_rows >= 1 && options.prefill_chunk >= 1 &&
                    options.draft_rows >= 0 && options.even_depth >= 0,
                "an option is out of range");
  // Every running sequence can then have its one row and one logits row in each step.
  options_.max_sequences =
      std::min({options.max_sequences, options.max_batch_tokens, options.max_logit_rows});
}

void Scheduler::add(Sequence& sequence) {
  CHASQUI_CHECK(sequence.state == SequenceState::kNew && !sequence.tokens.empty(),
                "sequence {} was added twice or is empty", sequence.id);
  CHASQUI_CHECK(!options_.whole_sequences ||
                    (!sequence.wants_logits && sequence.known() <= options_.max_batch_tokens),
                "sequence {} does not fit into one step", sequence.id);
  sequence.state = SequenceState::kWaiting;
  sequence.arrival = ++arrivals_;
  insert_by_rank(waiting_, sequence);
}

void Scheduler::cancel(Sequence& sequence) {
  CHASQUI_CHECK(plan_.rows.empty(), "cancelled while a step runs");
  if (sequence.state != SequenceState::kEnded) end(sequence);
}

const StepPlan& Scheduler::plan() {
  while (true) {
    begin_plan();
    plan_single_rows();
    admit_waiting();
    plan_in_turns();
    plan_drafts();
    if (!plan_.rows.empty() || (running_.empty() && waiting_.empty())) return plan_;
    if (anything_loads()) return plan_;
    fail_stuck();  // ends one sequence, so this loop ends too
  }
}

void Scheduler::begin_plan() {
  plan_.rows.clear();
  plan_.row_count = 0;
  plan_.logit_rows = 0;
  preempted_ = false;
  ++plans_;
}

// Best first, so that whoever loses its blocks on the way has not been planned yet.
void Scheduler::plan_single_rows() {
  if (options_.whole_sequences) return;  // a stream of short texts would keep a long one out
  for (size_t i = 0; i < running_.size(); ++i) {
    Sequence& sequence = *running_[i];
    if (sequence.remaining() != 1 || sequence.load != kv::kNoLoad) continue;
    if (make_room(sequence, sequence.known())) add_rows(sequence, 1);
  }
}

void Scheduler::plan_in_turns() {
  turns_.clear();
  std::ranges::copy_if(running_, std::back_inserter(turns_),
                       [this](const Sequence* s) { return s->planned_in != plans_; });
  std::ranges::sort(turns_, [](const Sequence* a, const Sequence* b) {
    return a->priority != b->priority ? a->priority > b->priority : a->turn < b->turn;
  });
  const int64_t chunk = rows_of_one_turn();
  int64_t left = plan_.rows.empty() ? options_.max_batch_tokens : options_.prefill_chunk;
  for (Sequence* sequence : turns_) {
    if (left == 0) return;
    if (sequence->state != SequenceState::kRunning) continue;  // preempted by one before it
    if (waits_for_leader(*sequence) || waits_for_tier(*sequence)) continue;
    if (sequence->fresh) borrow_prefix(*sequence);
    int64_t count = rows_of(*sequence, std::min(chunk, left));
    if (count == 0) continue;
    if (!make_room(*sequence, sequence->computed + count)) {
      if (options_.whole_sequences) continue;
      // Nobody worse is left to take from: go as far as the blocks reach.
      count = std::min(count, kv_.reservable(sequence->table) - sequence->computed);
      if (count <= 0) continue;
      kv_.reserve(sequence->table, sequence->computed + count);
    }
    left = std::max<int64_t>(0, left - cost(*sequence, count));
    add_rows(*sequence, count);
    sequence->turn = ++turns_taken_;
  }
}

// How many rows a sequence whose turn it is gets, blocks aside.
int64_t Scheduler::rows_of(const Sequence& sequence, int64_t budget) const {
  const int64_t left = sequence.remaining();
  if (options_.whole_sequences) {
    return left <= options_.max_batch_tokens - plan_.row_count ? left : 0;
  }
  return affordable_rows(sequence, std::min(left, rows_worth(sequence, budget)));
}

// How many of its rows cost what `budget` rows at the beginning of a text do.
int64_t Scheduler::rows_worth(const Sequence& sequence, int64_t budget) const {
  if (options_.even_depth == 0) return budget;
  const int64_t rows = budget * options_.even_depth / (options_.even_depth + sequence.computed);
  return std::max(rows, std::min(budget, kLeastChunk));
}

int64_t Scheduler::cost(const Sequence& sequence, int64_t rows) const {
  if (options_.even_depth == 0) return rows;
  return rows + rows * sequence.computed / options_.even_depth;
}

int64_t Scheduler::rows_of_one_turn() const {
  if (running_.size() == 1) return options_.max_batch_tokens;
  // Beside streams two turns fit into the step's one chunk, so that a short prompt that comes
  // behind a long one waits for the step that runs and no other.
  const bool halved = !plan_.rows.empty() && turns_.size() > 1;
  return halved ? (options_.prefill_chunk + 1) / 2 : options_.prefill_chunk;
}

// Last, so that a guess never takes the place of a token that somebody waits for. Best sequence
// first.
void Scheduler::plan_drafts() {
  for (RowGroup& group : plan_.rows) add_draft(group);
}

void Scheduler::add_draft(RowGroup& group) {
  Sequence& sequence = *group.sequence;
  if (!group.catches_up() || group.count != 1 || group.wanted != 1) return;
  int64_t count =
      std::min({static_cast<int64_t>(sequence.draft.size()), options_.draft_rows - plan_.row_count,
                options_.max_batch_tokens - plan_.row_count});
  if (sequence.wants_logits) count = std::min(count, options_.max_logit_rows - plan_.logit_rows);
  count = std::min(count, kv_.reservable(sequence.table) - sequence.known());
  if (count <= 0) return;
  kv_.reserve(sequence.table, sequence.known() + count);
  group.count += count;
  group.wanted += count;
  group.drafted = count;
  plan_.row_count += count;
  if (sequence.wants_logits) plan_.logit_rows += count;
}

int64_t Scheduler::wanted_rows(const Sequence& sequence, int64_t count) const {
  const int64_t end = sequence.computed + count;
  return std::max<int64_t>(0, end - std::max(sequence.computed, sequence.wanted_from));
}

// How many of `count` rows the budgets of this step still have room for.
int64_t Scheduler::affordable_rows(const Sequence& sequence, int64_t count) const {
  int64_t rows = std::min(count, options_.max_batch_tokens - plan_.row_count);
  if (!sequence.wants_logits) return rows;
  const int64_t without_logits = std::max<int64_t>(0, sequence.wanted_from - sequence.computed);
  return std::min(rows, without_logits + options_.max_logit_rows - plan_.logit_rows);
}

void Scheduler::add_rows(Sequence& sequence, int64_t count) {
  const RowGroup group{&sequence, sequence.computed, count, wanted_rows(sequence, count), 0};
  plan_.rows.push_back(group);
  plan_.row_count += count;
  if (sequence.wants_logits) plan_.logit_rows += group.wanted;
  sequence.planned_in = plans_;
  sequence.fresh = false;
  sequence.leader = nullptr;
  sequence.shared_until = 0;
}

void Scheduler::remove_rows(const Sequence& sequence) {
  const auto found = std::ranges::find(plan_.rows, &sequence, &RowGroup::sequence);
  if (found == plan_.rows.end()) return;
  plan_.row_count -= found->count;
  if (sequence.wants_logits) plan_.logit_rows -= found->wanted;
  plan_.rows.erase(found);
}

// Reserves blocks for positions [0, tokens), taking them from worse sequences if need be.
bool Scheduler::make_room(Sequence& sequence, int64_t tokens) {
  while (!kv_.reserve(sequence.table, tokens)) {
    Sequence& worst = *running_.back();
    if (&worst == &sequence) return false;
    preempt(worst);
  }
  return true;
}

void Scheduler::commit(std::span<const Advance> advances) {
  CHASQUI_CHECK(advances.size() == plan_.rows.size(), "{} results for {} groups", advances.size(),
                plan_.rows.size());
  for (size_t i = 0; i < advances.size(); ++i) {
    const RowGroup& group = plan_.rows[i];
    Sequence& sequence = *group.sequence;
    accept_draft(group, advances[i].accepted);
    sequence.wanted_from = std::max(sequence.wanted_from, sequence.computed);
    kv_.commit(sequence.table, sequence.tokens, sequence.computed);
    if (group.drafted > advances[i].accepted) kv_.trim(sequence.table);
    if (advances[i].token >= 0) sequence.tokens.push_back(advances[i].token);
    if (advances[i].ended) {
      end(sequence);
    } else {
      CHASQUI_CHECK(sequence.remaining() > 0, "sequence {} has nothing left to do", sequence.id);
    }
  }
  plan_.rows.clear();
}

// What was guessed right becomes known, as if sampled in steps of its own; the rest is forgotten
// before the cache hears of it.
void Scheduler::accept_draft(const RowGroup& group, int64_t accepted) {
  CHASQUI_CHECK(accepted >= 0 && accepted <= group.drafted, "{} of {} draft tokens accepted",
                accepted, group.drafted);
  Sequence& sequence = *group.sequence;
  sequence.computed = group.end() - group.drafted + accepted;
  sequence.tokens.insert(sequence.tokens.end(), sequence.draft.begin(),
                         sequence.draft.begin() + accepted);
  sequence.draft.clear();
}

void Scheduler::abandon_step() {
  std::vector<RowGroup> rows;
  rows.swap(plan_.rows);
  for (const RowGroup& group : rows) end(*group.sequence);
  for (Sequence* sequence : turns_) {
    if (sequence->fresh && sequence->state == SequenceState::kRunning) preempt(*sequence);
  }
}

void Scheduler::reap(std::vector<Sequence*>& out) {
  out.insert(out.end(), ended_.begin(), ended_.end());
  ended_.clear();
}

void Scheduler::preempt(Sequence& sequence) {
  remove_rows(sequence);
  leave_list(sequence);
  sequence.computed = 0;
  sequence.state = SequenceState::kWaiting;
  insert_by_rank(waiting_, sequence);
  preempted_ = true;
  ++preemptions_;
}

void Scheduler::end(Sequence& sequence) {
  leave_list(sequence);
  sequence.state = SequenceState::kEnded;
  ended_.push_back(&sequence);
}

// Out of the list that its state names, followers and blocks given back.
void Scheduler::leave_list(Sequence& sequence) {
  std::erase(sequence.state == SequenceState::kRunning ? running_ : waiting_, &sequence);
  sequence.leader = nullptr;
  sequence.shared_until = 0;
  for (Sequence* other : running_) {
    if (other->leader == &sequence) other->leader = nullptr;
  }
  if (sequence.load != kv::kNoLoad) tier_->end(std::exchange(sequence.load, kv::kNoLoad));
  if (sequence.table == kv::kNoTable) return;
  kv_.close(sequence.table);
  sequence.table = kv::kNoTable;
}

void Scheduler::check_integrity() const {
  CHASQUI_CHECK(std::ranges::is_sorted(running_, ranks_before), "running list out of order");
  CHASQUI_CHECK(std::ranges::is_sorted(waiting_, ranks_before), "waiting queue out of order");
  CHASQUI_CHECK(running() <= options_.max_sequences, "{} sequences run", running());
  for (const Sequence* s : running_) {
    CHASQUI_CHECK(s->state == SequenceState::kRunning && s->table != kv::kNoTable &&
                      s->computed >= 0 && s->remaining() > 0,
                  "running sequence {}: computed {} of {}", s->id, s->computed, s->known());
    CHASQUI_CHECK(s->load == kv::kNoLoad || s->planned_in != plans_ || plan_.rows.empty(),
                  "sequence {} is planned while it is loaded", s->id);
    CHASQUI_CHECK(
        s->leader == nullptr || (std::ranges::find(running_, s->leader) != running_.end() &&
                                 ranks_before(s->leader, s)),
        "sequence {} follows one that does not go before it", s->id);
  }
  for (const Sequence* s : waiting_) {
    CHASQUI_CHECK(
        s->state == SequenceState::kWaiting && s->table == kv::kNoTable && s->computed == 0,
        "waiting sequence {} holds blocks", s->id);
  }
  int64_t rows = 0;
  int64_t logit_rows = 0;
  for (const RowGroup& group : plan_.rows) {
    const Sequence& s = *group.sequence;
    CHASQUI_CHECK(s.state == SequenceState::kRunning && s.planned_in == plans_ &&
                      group.begin == s.computed && group.count >= 1 &&
                      group.end() <= s.known() + group.drafted &&
                      group.drafted <= static_cast<int64_t>(s.draft.size()),
                  "sequence {}: rows [{}, {}) after {} of {}", s.id, group.begin, group.end(),
                  s.computed, s.known());
    CHASQUI_CHECK(std::ranges::count(plan_.rows, &s, &RowGroup::sequence) == 1,
                  "sequence {} is planned twice", s.id);
    rows += group.count;
    logit_rows += s.wants_logits ? group.wanted : 0;
  }
  CHASQUI_CHECK(plan_.rows.empty() ||
                    (rows == plan_.row_count && logit_rows == plan_.logit_rows &&
                     rows <= options_.max_batch_tokens && logit_rows <= options_.max_logit_rows),
                "{} rows, {} with logits", rows, logit_rows);
  kv_.check_integrity();
}

}  // namespace chasqui::sched
