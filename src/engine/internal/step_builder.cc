#include "engine/internal/step_builder.h"

#include "base/checked_math.h"

namespace chasqui::engine {

StepBuilder::StepBuilder(const kv::KvManager& kv, int64_t max_rows, int64_t max_sequences)
    : kv_(kv) {
  const auto rows = static_cast<size_t>(max_rows);
  for (auto* list : {&tokens_, &positions_, &logit_rows_, &hidden_rows_}) list->reserve(rows);
  slices_.resize(static_cast<size_t>(kv.groups()));
  slice_spans_.resize(slices_.size());
  for (auto& slices : slices_) slices.reserve(static_cast<size_t>(max_sequences));
}

model::StepInputs StepBuilder::build(const sched::StepPlan& plan) {
  for (auto* list : {&tokens_, &positions_, &logit_rows_, &hidden_rows_}) list->clear();
  for (auto& slices : slices_) slices.clear();
  for (const sched::RowGroup& group : plan.rows) {
    add_slices(group, static_cast<int64_t>(tokens_.size()));
    add_rows(group);
  }
  for (size_t g = 0; g < slices_.size(); ++g) slice_spans_[g] = slices_[g];
  return {tokens_, positions_, slice_spans_, kv_.copies(), logit_rows_, hidden_rows_};
}

void StepBuilder::add_rows(const sched::RowGroup& group) {
  auto& wanted = group.sequence->wants_logits ? logit_rows_ : hidden_rows_;
  for (int64_t position = group.begin; position < group.end(); ++position) {
    if (position >= group.end() - group.wanted) {
      wanted.push_back(static_cast<int32_t>(tokens_.size()));
    }
    tokens_.push_back(group.token(position));
    positions_.push_back(static_cast<int32_t>(position));
  }
}

void StepBuilder::add_slices(const sched::RowGroup& group, int64_t row_begin) {
  const auto blocks = static_cast<size_t>(ceil_div(group.end(), kv_.block_tokens()));
  for (size_t g = 0; g < slices_.size(); ++g) {
    const auto table = kv_.blocks(group.sequence->table, static_cast<int>(g));
    slices_[g].push_back({row_begin, group.count, group.begin, table.first(blocks)});
  }
}

}  // namespace chasqui::engine
