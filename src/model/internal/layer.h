// One transformer layer as ops on a backend. Everything that differs between architectures is read
// from the spec and from which tensors are there.
#pragma once

#include <span>

#include "backend/backend.h"
#include "model/internal/activations.h"
#include "model/internal/weights.h"
#include "model/model_spec.h"

namespace chasqui::model {

// What a layer works on; the views live for one forward().
struct LayerContext {
  backend::Backend& backend;
  const ModelSpec& spec;
  const LayerSpec& layer;
  const SlotSet& weights;
  backend::KvPool& cache;
  const Activations& activations;
  int64_t rows;
  const float* rope;  // [rows, rotated / 2, 2] of this layer's rope; null: not rotated
  std::span<const backend::SequenceSlice> slices;
};

// Adds the layer's two blocks to activations.residual.
void layer_forward(const LayerContext& context);

}  // namespace chasqui::model
