// One forward step as flat arrays. The engine builds it, the model reads it; nothing in it is
// owned, and everything must stay alive until forward() returns.
#pragma once

#include <cstdint>
#include <span>

#include "backend/ops.h"
#include "tensor/cache_spec.h"

namespace chasqui::model {

struct StepInputs {
  std::span<const int32_t> tokens;     // [rows], checked: 0 <= id < vocabulary
  std::span<const int32_t> positions;  // [rows], for rotary embedding

  // For each cache group (ModelSpec::cache_groups()) the slices of all sequences of the step:
  // together they cover rows 0 .. rows - 1 in order, the same rows in every group. The blocks
  // named by a slice's table must cover kv_begin + row_count positions.
  std::span<const std::span<const backend::SequenceSlice>> groups;

  // Cache blocks to copy before anything else, in this order.
  std::span<const BlockCopy> copies = {};

  std::span<const int32_t> logit_rows;   // ascending rows whose logits are wanted
  std::span<const int32_t> hidden_rows;  // ascending rows whose last hidden state is wanted
};

// Host memory of the model, valid until its next forward().
struct StepOutputs {
  std::span<float> logits;        // [logit_rows, vocabulary]; the caller may edit them
  std::span<const float> hidden;  // [hidden_rows, hidden], after the final norm
};

}  // namespace chasqui::model
