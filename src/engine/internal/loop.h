// The engine thread and everything that it owns. engine.h is the contract; this is the order of
// work behind it.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <span>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "engine/engine.h"
#include "engine/internal/counters.h"
#include "engine/internal/drafter.h"
#include "engine/internal/filter_helper.h"
#include "engine/internal/inbox.h"
#include "engine/internal/job.h"
#include "engine/internal/meter.h"
#include "engine/internal/step_builder.h"
#include "engine/internal/step_sampler.h"
#include "engine/internal/tier_port.h"
#include "kv/kv_manager.h"
#include "sched/scheduler.h"

namespace chasqui::engine {

class Engine::Impl {
 public:
  Impl(std::unique_ptr<ModelRunner> runner, std::shared_ptr<const text::Tokenizer> tokenizer,
       EngineOptions options, std::unique_ptr<ModelRunner> draft);
  ~Impl();

  const EngineOptions& options() const { return options_; }
  const text::Tokenizer& tokenizer() const { return *tokenizer_; }

  // Any thread.
  Result<RequestId> submit(Request request);
  void cancel(RequestId id);
  void drain() { draining_.store(true); }
  bool idle() const { return unfinished_.load() == 0; }
  void stop();
  EngineStats stats() const;
  EngineTimings timings() const { return meter_.snapshot(); }

 private:
  struct Message {
    std::unique_ptr<Job> added;  // or, when null:
    RequestId cancelled = 0;
  };

  void run();
  void step();
  std::optional<std::span<const sched::Advance>> compute(const sched::StepPlan& plan);
  void fail_step(const sched::StepPlan& plan, const char* why);
  void receive(Message message);
  void deliver(std::span<const sched::Advance> advances);
  void deliver_ended();
  void deliver_last(Job& job, Event event);
  void end_everything();
  void judge_drafts(const sched::StepPlan& plan, std::span<const sched::Advance> advances);
  // Lets the filters of what goes on get ready while others are served and the model runs.
  void prepare_filters(std::span<const sched::Advance> advances);
  void count_rows(const sched::StepPlan& plan, Instant begun);
  void count_step(std::span<const sched::Advance> advances, Instant begun);
  void count_state();

  // Constant after construction.
  const EngineOptions options_;
  const std::shared_ptr<const text::Tokenizer> tokenizer_;
  const std::unique_ptr<ModelRunner> runner_;
  const Clock clock_;
  const RequestLimits limits_;

  // Any thread.
  Inbox<Message> inbox_;
  Bell bell_;
  Counters counters_;
  Meter meter_;
  std::atomic<RequestId> last_id_{0};
  std::atomic<int64_t> unfinished_{0};  // submitted and not yet ended
  std::atomic<bool> draining_{false};
  std::atomic<bool> stopping_{false};
  FilterHelper filter_helper_;

  // Engine thread only.
  kv::KvManager kv_;
  TierPort tier_;
  sched::Scheduler scheduler_;
  StepBuilder builder_;
  StepSampler sampler_;
  Drafter drafter_;
  std::unordered_map<RequestId, std::unique_ptr<Job>> jobs_;  // all that the scheduler knows
  std::vector<Job*> stepped_;  // jobs of the step's rows, in their order
  std::vector<sched::Sequence*> ended_;

  std::thread thread_;  // last: it uses everything above
};

}  // namespace chasqui::engine
