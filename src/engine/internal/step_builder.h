// StepPlan to the model's flat arrays. The arrays are kept from step to step: once they have
// grown to the largest step, building allocates nothing. Engine thread only.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "backend/ops.h"
#include "kv/kv_manager.h"
#include "model/step_inputs.h"
#include "sched/step_plan.h"

namespace chasqui::engine {

class StepBuilder {
 public:
  // `kv` outlives the builder. `max_rows`, `max_sequences`: sizes to reserve.
  StepBuilder(const kv::KvManager& kv, int64_t max_rows, int64_t max_sequences);

  // Valid until the next build(), and until `kv` changes (block tables are not copied). Logits
  // and hidden rows come in the order of plan.rows, `wanted` for each group.
  model::StepInputs build(const sched::StepPlan& plan);

 private:
  void add_rows(const sched::RowGroup& group);
  void add_slices(const sched::RowGroup& group, int64_t row_begin);

  const kv::KvManager& kv_;
  std::vector<int32_t> tokens_;
  std::vector<int32_t> positions_;
  std::vector<int32_t> logit_rows_;
  std::vector<int32_t> hidden_rows_;
  std::vector<std::vector<backend::SequenceSlice>> slices_;           // one list a cache group
  std::vector<std::span<const backend::SequenceSlice>> slice_spans_;  // views of slices_
};

}  // namespace chasqui::engine
