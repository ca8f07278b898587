// The scratch memory of a forward pass, sized once for the largest step: nothing allocates while
// requests are served.
#pragma once

#include <cstdint>

#include "backend/backend.h"
#include "base/result.h"
#include "model/model_spec.h"

namespace chasqui::model {

// All f32 unless it says otherwise, [max_rows, ...]; those that the model does not need are empty.
struct Activations {
  static Result<Activations> allocate(const ModelSpec& spec, backend::Backend& backend,
                                      int64_t max_rows, int64_t max_logit_rows);

  Buffer residual;            // [hidden]: the stream that blocks add to
  Buffer normed;              // [hidden]: input of a block
  Buffer qkv;                 // [widest q + k + v]
  Buffer attention;           // [widest heads * value_dim]
  Buffer block_out;           // [hidden]: what a block adds
  Buffer ffn;                 // [widest gate + up, of all used experts of a token]
  Buffer gated_queries;       // [widest heads * 2 * key_dim], of models with query gates
  Buffer recurrent_in;        // [what a recurrent layer projects its input to]
  Buffer recurrent_mixed;     // [what comes out of its convolution]
  Buffer recurrent_gate;      // [delta net: value_width]
  Buffer delta_gates;         // [2 * value heads of the delta net]
  Buffer query_scale;         // [1]: of queries by position
  Buffer latent;              // [latent + rotated part]
  Buffer query_rank;          // [latent.query_rank]
  Buffer head_queries;        // [heads * key_dim of latent attention], then its values
  Buffer head_ids;            // [heads] int32, each row 0, 1, ...
  Buffer expert_in;           // [hidden]
  Buffer expert_out;          // [used experts * hidden]
  Buffer router_logits;       // [experts]
  Buffer expert_ids;          // [used experts] int32
  Buffer expert_weights;      // [used experts]
  Buffer expert_ones;         // [used experts], all 1; where what experts read is weighed
  Buffer shared_weight;       // [1]
  Buffer layer_inputs;        // [layers * layer_input_dim]
  Buffer layer_inputs_model;  // the same
  Buffer rope;                // [sum over ropes of rotated]
  Buffer gathered;            // [hidden]: rows for the output
  Buffer logits;              // [max_logit_rows, vocab]
};

}  // namespace chasqui::model
