#include "model/internal/embedding.h"

#include <cmath>
#include <numbers>
#include <vector>

#include "model/internal/layer_ops.h"

namespace chasqui::model {
namespace {

using backend::Matrix;

// Adds a row of `slot`'s table to each row of the residual stream.
void add_rows_of(const EmbeddingContext& c, Slot slot, std::span<const int32_t> ids) {
  if (c.weights.matrix(slot) == nullptr) return;
  const auto rows = static_cast<int64_t>(ids.size());
  const Matrix residual = view(c.activations.residual, rows, c.spec.hidden);
  const Matrix added = view(c.activations.block_out, rows, c.spec.hidden);
  c.backend.embed({.table = c.weights.matrix(slot), .ids = ids, .out = added});
  c.backend.add({.a = residual, .b = added, .out = residual});
}

// The embeddings that layers have for themselves, [tokens, layers * layer_input_dim] ("per-layer
// embeddings" of Gemma 3n and Gemma 4): a row of a wide table, mixed with a projection of the main
// embedding.
void embed_layer_inputs(const EmbeddingContext& c, std::span<const int32_t> tokens) {
  const auto rows = static_cast<int64_t>(tokens.size());
  const int64_t width = c.spec.layer_input_dim * static_cast<int64_t>(c.spec.layers.size());
  const Matrix inputs = view(c.activations.layer_inputs, rows, width);
  const Matrix projected = view(c.activations.layer_inputs_model, rows, width);
  c.backend.embed({.table = c.weights.matrix(Slot::kLayerInputEmbedding),
                   .ids = tokens,
                   .scale = std::sqrt(static_cast<float>(c.spec.layer_input_dim)),
                   .out = inputs});
  const backend::LinearTarget targets[] = {
      {c.weights.matrix(Slot::kLayerInputModel), nullptr, projected}};
  c.backend.linear({view(c.activations.residual, rows, c.spec.hidden), targets});
  // The model divides the projection by sqrt(hidden) before it normalises it: what is left of the
  // division is a larger epsilon.
  c.backend.norm({.kind = c.spec.norm,
                  .x = projected,
                  .group = c.spec.layer_input_dim,
                  .weight = c.weights.vector(Slot::kLayerInputModelNorm),
                  .eps = c.spec.norm_eps * static_cast<float>(c.spec.hidden),
                  .out = projected});
  c.backend.add({.a = inputs,
                 .b = projected,
                 .scale = static_cast<float>(1 / std::numbers::sqrt2),
                 .out = inputs});
}

}  // namespace

void embed_tokens(const EmbeddingContext& c, std::span<const int32_t> tokens,
                  std::span<const int32_t> positions) {
  const auto rows = static_cast<int64_t>(tokens.size());
  const Matrix residual = view(c.activations.residual, rows, c.spec.hidden);
  c.backend.embed({.table = c.weights.matrix(Slot::kTokenEmbedding),
                   .ids = tokens,
                   .scale = c.spec.embedding_scale,
                   .out = residual});
  if (c.weights.matrix(Slot::kTokenTypes) != nullptr) {
    add_rows_of(c, Slot::kTokenTypes, std::vector<int32_t>(tokens.size(), 0));
  }
  add_rows_of(c, Slot::kPositionEmbedding, positions);
  if (c.weights.vector(Slot::kEmbeddingNorm) != nullptr) {
    c.backend.norm({.kind = c.spec.norm,
                    .x = residual,
                    .group = c.spec.hidden,
                    .weight = c.weights.vector(Slot::kEmbeddingNorm),
                    .bias = c.weights.vector(Slot::kEmbeddingNormBias),
                    .eps = c.spec.norm_eps,
                    .out = residual});
  }
  if (c.spec.layer_input_dim > 0) embed_layer_inputs(c, tokens);
}

}  // namespace chasqui::model
