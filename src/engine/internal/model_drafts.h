// Speculative decoding by a second, smaller model of the same vocabulary.
//
// The draft model has a cache of its own. Of each job it keeps a shadow: the tokens that it has
// read, of which the last may be guesses. A proposal first drops guesses that came out otherwise
// and reads what the job knows by now; then it guesses token by token, all jobs in one forward
// pass. What is read at once is bounded like a piece of a prompt, so a job whose prompt is long is
// guessed for some steps later, and nobody waits for more than one such piece.
//
// A guess is chosen by a copy of the job's own sampler, with the random number that the job will
// use for that token: two models that agree on the distribution then agree on the token, at every
// temperature. The copy also has a fork of the job's grammar.
//
// Its cache is no concern of the scheduler: when it is full, the shadow that was not used for
// longest goes, and is read again when its job is guessed for the next time (mostly as a prefix
// hit).
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "engine/internal/draft_source.h"
#include "engine/internal/step_builder.h"
#include "engine/model_runner.h"
#include "kv/kv_manager.h"
#include "sched/step_plan.h"
#include "text/vocab.h"

namespace chasqui::engine {

struct ModelDraftsOptions {
  int64_t max_jobs = 1;    // guessed for at once
  int64_t read_rows = 1;   // most tokens that a proposal reads before it guesses
  int32_t vocab_size = 0;  // of the model that is guessed for: rows of its logits
  bool prefix_cache = true;
};

class ModelDrafts final : public DraftSource {
 public:
  // `vocab` outlives this.
  ModelDrafts(std::unique_ptr<ModelRunner> runner, const text::Vocab& vocab,
              ModelDraftsOptions options);
  ~ModelDrafts() override;

  void begin() override { runner_->begin(); }
  void propose(std::span<const DraftAsk> asks, int64_t room) override;
  void forget(const Job& job) override;
  void reset() override;

  // Aborts unless shadows and cache agree. Tests.
  void check_integrity() const;

 private:
  struct Shadow;
  struct Guess {
    Shadow* shadow = nullptr;
    Job* job = nullptr;
    int64_t most = 0;  // tokens in all
  };

  Shadow& shadow_of(const Job& job);
  void agree(Shadow& shadow, const Job& job) const;
  void read(const DraftAsk& ask, int64_t share);
  bool reserve(Shadow& shadow, int64_t tokens);
  void clear_plan();
  void forward();
  void continue_guesses();
  bool guess_one(const Guess& guess, std::span<float> logits);
  std::span<float> target_row(std::span<float> logits);
  void close(Shadow& shadow);

  // Constant after construction.
  const std::unique_ptr<ModelRunner> runner_;
  const text::Vocab& vocab_;
  const ModelDraftsOptions options_;

  kv::KvManager kv_;
  StepBuilder builder_;
  // By the job's id. INVARIANT: a shadow with computed > 0 has a table that covers it.
  std::unordered_map<uint64_t, std::unique_ptr<Shadow>> shadows_;
  uint64_t rounds_ = 0;

  // Of the proposal that is being made.
  sched::StepPlan plan_;
  std::vector<Guess> guesses_;  // one for each group of plan_ that wants logits, in order
  std::vector<float> padded_;   // scratch of target_row()
};

}  // namespace chasqui::engine
