// What a step computed, to tokens and ends of answers: samples a token for every sequence that
// caught up and more while its draft proves right, reports prompt log-probabilities, pools hidden
// states, and decides who is done. Engine thread only.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/internal/job.h"
#include "engine/model_runner.h"
#include "model/step_inputs.h"
#include "sched/step_plan.h"
#include "text/tokenizer.h"

namespace chasqui::engine {

class StepSampler {
 public:
  // Keeps no reference to `vocab`; `runner` outlives it.
  StepSampler(const text::Vocab& vocab, ModelRunner& runner);

  // One result for each of plan.rows, valid until the next call. `outputs` are those of the
  // inputs that StepBuilder made of the same plan; its logits are overwritten. A sequence whose
  // sampling throws is ended, with job.failure saying why; the others go on.
  std::span<const sched::Advance> sample(const sched::StepPlan& plan,
                                         const model::StepOutputs& outputs);

 private:
  sched::Advance read_logits(const sched::RowGroup& group, std::span<float> logits);
  sched::Advance read_hidden(const sched::RowGroup& group, std::span<const float> hidden);
  sched::Advance verify(const sched::RowGroup& group, std::span<float> logits);
  sched::Advance choose(Job& job, std::span<float> logits);
  void ban_ends(Job& job) const;
  bool ends(const Job& job, int32_t token) const;

  // Constant after construction.
  ModelRunner& runner_;
  size_t vocab_size_;
  size_t hidden_size_;
  std::vector<bool> is_end_;      // [vocab_size]: the model's own end-of-generation tokens
  std::vector<int32_t> end_ids_;  // the same as a list

  std::vector<sched::Advance> advances_;
};

}  // namespace chasqui::engine
