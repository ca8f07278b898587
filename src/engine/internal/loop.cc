#include "engine/internal/loop.h"

#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <new>
#include <utility>

#include "base/check.h"
#include "engine/internal/lookup_drafts.h"
#include "engine/internal/model_drafts.h"
#include "engine/internal/runner_cache.h"

namespace chasqui::engine {
namespace {

// Steps are not made larger than this by drafts. The rows of a small step share one reading of the
// weights, which is most of its time; beyond this the arithmetic of each row is (measured: 8 rows
// take 1.5 times as long as one and 16 take 3 times, docs/performance.md), so that a right guess
// gains nothing more and a wrong one is paid for by everybody in the step.
constexpr int64_t kDraftRows = 8;

int64_t cache_bytes(const ModelRunner& runner) {
  int64_t bytes = 0;
  int group = 0;
  for (const CacheSpec& spec : runner.cache_groups()) {
    bytes += spec.bytes_per_block * runner.cache_blocks(group++);
  }
  return bytes;
}

// What a second tier keeps is found again by the names that its own secret gave, and by those of
// the same model.
kv::KvOptions kv_options_of(const EngineOptions& options) {
  const kv::BlockStore* store = options.prefix_cache ? options.tier.store.get() : nullptr;
  if (store == nullptr) return kv_options(options.prefix_cache);
  const Hash128& model = options.tier.fingerprint;
  const Hash128 seed{store->secret(), ~store->secret()};
  return {true, hash_bytes(std::as_bytes(std::span(&model, 1)), seed).low, true};
}

// What was asked for, within what the model can do.
EngineOptions within_model(EngineOptions options, const ModelRunner& runner) {
  options.max_batch_tokens = std::clamp<int64_t>(options.max_batch_tokens, 1, runner.max_rows());
  options.prefill_chunk = std::clamp<int64_t>(options.prefill_chunk, 1, options.max_batch_tokens);
  const int64_t most = std::min(options.max_batch_tokens, runner.max_logit_rows());
  options.max_sequences = std::clamp<int64_t>(options.max_sequences, 1, most);
  options.max_queue = std::max<int64_t>(options.max_queue, 0);
  options.draft_tokens = std::clamp<int64_t>(options.draft_tokens, 0, kDraftRows - 1);
  if (has_states(runner)) {
    options.draft_tokens = 0;
    options.tier = {};
  }
  if (runner.causal()) return options;
  options.prefix_cache = false;  // what begins a text depends on what ends it
  options.draft_tokens = 0;
  options.prefill_chunk = options.max_batch_tokens;
  return options;
}

sched::SchedulerOptions scheduler_options(const EngineOptions& options, const ModelRunner& runner) {
  return {options.max_sequences,
          options.max_batch_tokens,
          runner.max_logit_rows(),
          options.prefill_chunk,
          options.draft_tokens > 0 ? kDraftRows : 0,
          runner.even_depth(),
          !runner.causal()};
}

RequestLimits request_limits(const EngineOptions& options, const ModelRunner& runner) {
  return {options.n_ctx, runner.vocab_size(), runner.causal() ? 0 : options.max_batch_tokens,
          runner.rank_outputs() > 0};
}

std::unique_ptr<DraftSource> make_draft_source(const EngineOptions& options,
                                               const ModelRunner& runner, const text::Vocab& vocab,
                                               std::unique_ptr<ModelRunner> draft) {
  if (options.draft_tokens == 0) return nullptr;
  if (!draft) return std::make_unique<LookupDrafts>();
  CHASQUI_CHECK(!has_states(*draft), "a draft model with states, which cannot take a guess back");
  return std::make_unique<ModelDrafts>(
      std::move(draft), vocab,
      ModelDraftsOptions{kDraftRows - 1, options.prefill_chunk, runner.vocab_size(),
                         options.prefix_cache});
}

}  // namespace

Engine::Impl::Impl(std::unique_ptr<ModelRunner> runner,
                   std::shared_ptr<const text::Tokenizer> tokenizer, EngineOptions options,
                   std::unique_ptr<ModelRunner> draft)
    : options_(within_model(options, *runner)),
      tokenizer_(std::move(tokenizer)),
      runner_(std::move(runner)),
      limits_(request_limits(options_, *runner_)),
      kv_(kv_groups(*runner_), kv_options_of(options_)),
      tier_(options_, kv_, *runner_, [this] { bell_.ring(); }),
      scheduler_(kv_, scheduler_options(options_, *runner_), tier_.link()),
      builder_(kv_, options_.max_batch_tokens, options_.max_sequences),
      sampler_(tokenizer_->vocab(), *runner_),
      drafter_(make_draft_source(options_, *runner_, tokenizer_->vocab(), std::move(draft)),
               options_.draft_tokens) {
  Counters::set(counters_.blocks_total, kv_.usage().total);
  Counters::set(counters_.cache_bytes, cache_bytes(*runner_));
  thread_ = std::thread([this] { run(); });
}

Engine::Impl::~Impl() {
  stop();
  thread_.join();
}

void Engine::Impl::stop() {
  drain();
  stopping_.store(true);
  bell_.ring();
}

Result<RequestId> Engine::Impl::submit(Request request) {
  CHASQUI_TRY_STATUS(check_request(request, limits_));
  // Counted before draining_ is read: whoever drains and then sees idle() has missed nobody.
  const int64_t most = options_.max_sequences + options_.max_queue;
  const int64_t before = unfinished_.fetch_add(1);
  if (draining_.load() || before >= most) {
    unfinished_.fetch_sub(1);
    if (draining_.load()) return fail(ErrorCode::kCancelled, "the server is shutting down");
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("{} requests are running or waiting already; try again later", most));
  }
  const RequestId id = ++last_id_;
  try {
    auto job = make_job(id, std::move(request), *tokenizer_, limits_.vocab_size);
    job->times.submitted = clock_.now();
    inbox_.push({std::move(job), 0});
  } catch (const std::bad_alloc&) {
    unfinished_.fetch_sub(1);  // or its place would be lost for good
    return fail(ErrorCode::kResourceExhausted, "there is no memory for the request");
  }
  bell_.ring();
  return id;
}

void Engine::Impl::cancel(RequestId id) {
  inbox_.push({nullptr, id});
  bell_.ring();
}

EngineStats Engine::Impl::stats() const {
  EngineStats stats = counters_.snapshot();
  tier_.add_stats(stats);
  stats.waiting = std::max<int64_t>(0, unfinished_.load() - stats.running);
  return stats;
}

void Engine::Impl::run() {
  pthread_setname_np(pthread_self(), "engine");
  runner_->begin();
  drafter_.begin();
  while (!stopping_.load()) step();
  end_everything();
}

void Engine::Impl::step() {
  const uint32_t rings = bell_.count();
  inbox_.drain([this](Message message) { receive(std::move(message)); });
  if (tier_.fill()) bell_.ring();  // the rest comes before the next step
  const sched::StepPlan& plan = scheduler_.plan();
  count_state();  // who was admitted runs from now on, not only after a long first step
  if (plan.rows.empty()) {
    deliver_ended();
    if (!stopping_.load()) bell_.wait_after(rings);
    return;
  }
  const Instant begun = clock_.now();
  const auto advances = compute(plan);
  if (!advances) return deliver_ended();
  count_rows(plan, begun);
  judge_drafts(plan, *advances);
  scheduler_.commit(*advances);
  deliver(*advances);  // before copies and guesses, which nobody should wait for
  tier_.keep();
  drafter_.propose(stepped_, *advances, scheduler_.options().draft_rows - scheduler_.running());
  prepare_filters(*advances);
  count_step(*advances, begun);
  count_state();
  deliver_ended();
}

// nullopt: the step failed, and its requests with it.
std::optional<std::span<const sched::Advance>> Engine::Impl::compute(const sched::StepPlan& plan) {
  try {
    const model::StepOutputs outputs = runner_->forward(builder_.build(plan));
    kv_.copies_done();
    return sampler_.sample(plan, outputs);
  } catch (const std::exception& error) {
    fail_step(plan, error.what());
    return std::nullopt;
  }
}

// No memory, most likely, and often only for what these requests asked for: the others go on.
void Engine::Impl::fail_step(const sched::StepPlan& plan, const char* why) {
  for (const sched::RowGroup& group : plan.rows) {
    group.sequence->failure =
        Error{ErrorCode::kInternal, fmt::format("the step of this request failed: {}", why), ""};
  }
  scheduler_.abandon_step();
  kv_.copies_done();
  count_state();
}

void Engine::Impl::receive(Message message) {
  if (message.added) {
    Job& job = *message.added;
    filter_helper_.post(job.request.filter);
    jobs_.emplace(job.id, std::move(message.added));
    scheduler_.add(job);
    return;
  }
  const auto found = jobs_.find(message.cancelled);
  if (found != jobs_.end()) scheduler_.cancel(*found->second);
}

// One event for each sequence of the step that goes on and has something to show.
void Engine::Impl::deliver(std::span<const sched::Advance> advances) {
  for (size_t i = 0; i < advances.size(); ++i) {
    if (advances[i].ended) continue;  // deliver_ended() merges this into the last event
    Job& job = *stepped_[i];
    Event event;
    bool something = job.prompt_report && job.prompt_report->take(event);
    something |= job.answer && job.answer->take(event);
    if (!something) continue;
    event.usage = job.usage;
    job.request.sink->on_event(std::move(event));
  }
}

void Engine::Impl::deliver_ended() {
  scheduler_.reap(ended_);
  for (sched::Sequence* sequence : ended_) {
    Job& job = job_of(*sequence);
    Event event;
    event.error = job.failure;
    if (!event.error) event.finish = job.finish.value_or(FinishReason::kCancelled);
    deliver_last(job, std::move(event));
  }
  ended_.clear();
}

void Engine::Impl::deliver_last(Job& job, Event event) {
  if (job.prompt_report) job.prompt_report->take(event);
  if (job.answer) {
    if (!job.finish) job.answer->finish();  // cut short: what was held back is shown
    job.answer->take(event);
    if (event.finish == FinishReason::kStop && job.answer->stopped()) {
      event.stop_text = job.answer->stop_text();
    }
  }
  if (job.finish) event.embedding = std::move(job.embedding);
  event.usage = job.usage;
  meter_.ended(job.times, event, clock_.now());
  const std::shared_ptr<EventSink> sink = job.request.sink;
  drafter_.forget(job);
  jobs_.erase(job.id);
  // Its place is free before anybody hears of the end: who answers by asking again is let in.
  unfinished_.fetch_sub(1);
  sink->on_event(std::move(event));
}

// Nobody can submit any more, but who passed that check a moment ago may still be on its way to
// the inbox: all that was counted is waited for.
void Engine::Impl::end_everything() {
  while (!idle()) {
    // The scheduler still knows jobs that are gone: nothing more is told to it.
    inbox_.drain([this](Message message) {
      if (!message.added) return;
      const RequestId id = message.added->id;
      jobs_.emplace(id, std::move(message.added));
    });
    while (!jobs_.empty()) {
      Event event;
      event.error = Error{ErrorCode::kCancelled, "the server is shutting down", ""};
      deliver_last(*jobs_.begin()->second, std::move(event));
    }
    std::this_thread::yield();
  }
}

// Only now: a helper that begins while others are still sampled would make them wait for the
// grammar that they share.
void Engine::Impl::prepare_filters(std::span<const sched::Advance> advances) {
  for (size_t i = 0; i < advances.size(); ++i) {
    if (!advances[i].ended) filter_helper_.post(stepped_[i]->request.filter, stepped_[i]->draft);
  }
}

void Engine::Impl::count_rows(const sched::StepPlan& plan, Instant begun) {
  stepped_.clear();
  int64_t rows = 0;
  for (const sched::RowGroup& group : plan.rows) {
    Job& job = job_of(*group.sequence);
    stepped_.push_back(&job);
    rows += group.end() - group.begin;
    const int64_t of_prompt = std::min(group.end(), job.prompt_tokens()) - group.begin;
    if (of_prompt > 0) Counters::add(counters_.prompt_tokens, of_prompt);
    if (job.hit_counted) continue;
    job.hit_counted = true;
    meter_.admitted(job.times, begun);
    job.usage.cached_prompt_tokens = job.cached_tokens;
    Counters::add(counters_.cached_prompt_tokens, job.cached_tokens);
  }
  meter_.stepped(rows);
}

void Engine::Impl::judge_drafts(const sched::StepPlan& plan,
                                std::span<const sched::Advance> advances) {
  for (size_t i = 0; i < advances.size(); ++i) {
    const int64_t drafted = plan.rows[i].drafted;
    if (drafted == 0) continue;
    const int64_t accepted = advances[i].accepted;
    Job& job = *stepped_[i];
    job.draft_state.judge(drafted, accepted);
    job.usage.drafted_tokens += drafted;
    job.usage.accepted_tokens += accepted;
    Counters::add(counters_.drafted_tokens, drafted);
    Counters::add(counters_.accepted_tokens, accepted);
  }
}

void Engine::Impl::count_step(std::span<const sched::Advance> advances, Instant begun) {
  const Instant now = clock_.now();
  int64_t sampled = 0;
  for (size_t i = 0; i < advances.size(); ++i) {
    // Those guessed right come together with the one behind them.
    const int64_t tokens = advances[i].accepted + (advances[i].token >= 0 ? 1 : 0);
    if (tokens > 0) meter_.sampled(stepped_[i]->times, tokens, now);
    sampled += tokens;
  }
  Counters::add(counters_.completion_tokens, sampled);
  Counters::add(counters_.steps, 1);
  const double seconds = seconds_between(begun, now);
  counters_.last_step_seconds.store(seconds, std::memory_order_relaxed);
  meter_.step_took(seconds);
}

void Engine::Impl::count_state() {
  const kv::KvUsage usage = kv_.usage();
  Counters::set(counters_.running, scheduler_.running());
  Counters::set(counters_.blocks_in_use, usage.in_use);
  Counters::set(counters_.blocks_cached, usage.cached);
  Counters::set(counters_.preemptions, scheduler_.preemptions());
}

}  // namespace chasqui::engine
