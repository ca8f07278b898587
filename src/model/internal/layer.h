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
  backend::KvPool* cache;      // of the layer whose keys and values it reads; null: recurrent
  backend::StatePool* states;  // of the layer itself; null: not recurrent
  const Activations& activations;
  int64_t rows;
  int64_t index;             // of the layer
  const float* rope;         // [rows, rotated / 2, 2] of this layer's rope; null: not rotated
  const float* query_scale;  // [rows]; null: queries are not scaled by position
  std::span<const backend::SequenceSlice> slices;
};

// Adds the layer's two blocks to activations.residual.
void layer_forward(const LayerContext& context);

// The parts of a layer. `x` and `out` are [rows, hidden] and do not overlap.
void attention_mixer(const LayerContext& context, const backend::Matrix& x,
                     const backend::Matrix& out);
void latent_attention_mixer(const LayerContext& context, const backend::Matrix& x,
                            const backend::Matrix& out);
void delta_net_mixer(const LayerContext& context, const backend::Matrix& x,
                     const backend::Matrix& out);
void short_conv_mixer(const LayerContext& context, const backend::Matrix& x,
                      const backend::Matrix& out);
void dense_feed_forward(const LayerContext& context, const backend::Matrix& x,
                        const backend::Matrix& out);
// `x` is what the dense part reads; experts with a norm of their own read the residual stream.
void expert_feed_forward(const LayerContext& context, const backend::Matrix& x,
                         const backend::Matrix& out);
// Only the choice of experts; expert_feed_forward() makes it itself where ExpertSpec is not
// `early`.
void choose_experts(const LayerContext& context, const backend::Matrix& x);
// Adds what the layer makes of its own embedding of the tokens.
void add_layer_input(const LayerContext& context);

}  // namespace chasqui::model
