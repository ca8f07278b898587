// From tokens to the residual stream that the first layer reads.
#pragma once

#include <cstdint>
#include <span>

#include "backend/backend.h"
#include "model/internal/activations.h"
#include "model/internal/weights.h"
#include "model/model_spec.h"

namespace chasqui::model {

struct EmbeddingContext {
  backend::Backend& backend;
  const ModelSpec& spec;
  const SlotSet& weights;  // of the whole model
  const Activations& activations;
};

// Fills activations.residual, and layer_inputs where the model has them: the token's vector, plus
// its position's and its type's, normalised, as far as the model has these. REQUIRES: positions are
// below spec.max_positions where that is not 0.
void embed_tokens(const EmbeddingContext& context, std::span<const int32_t> tokens,
                  std::span<const int32_t> positions);

}  // namespace chasqui::model
