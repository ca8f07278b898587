// The scratch memory of a forward pass, sized once for the largest step: nothing allocates while
// requests are served.
#pragma once

#include <cstdint>

#include "backend/backend.h"
#include "base/result.h"
#include "model/model_spec.h"

namespace chasqui::model {

// All f32. [max_rows, ...] unless it says otherwise.
struct Activations {
  static Result<Activations> allocate(const ModelSpec& spec, backend::Backend& backend,
                                      int64_t max_rows, int64_t max_logit_rows);

  Buffer residual;        // [hidden]: the stream that blocks add to
  Buffer normed;          // [hidden]: input of a block
  Buffer qkv;             // [widest q + k + v]
  Buffer attention;       // [widest heads * value_dim]
  Buffer block_out;       // [hidden]: what a block adds
  Buffer gate;            // [widest ffn, or used experts * expert ffn]
  Buffer up;              // as gate
  Buffer expert_out;      // [used experts * hidden]
  Buffer router_logits;   // [experts]
  Buffer expert_ids;      // [used experts] int32
  Buffer expert_weights;  // [used experts]
  Buffer rope;            // [sum over ropes of rotated]
  Buffer gathered;        // [max_rows, hidden]: rows for the output
  Buffer logits;          // [max_logit_rows, vocab]
};

}  // namespace chasqui::model
