// What a layer makes of its own embedding of the tokens (embedding.cc): gated by the residual
// stream and added to it.
#include "model/internal/layer.h"
#include "model/internal/layer_ops.h"

namespace chasqui::model {

using backend::Matrix;

void add_layer_input(const LayerContext& c) {
  const int64_t width = c.spec.layer_input_dim;
  const Matrix residual = residual_of(c);
  const Matrix gate = view(c.activations.ffn, c.rows, width);
  const Matrix block = view(c.activations.block_out, c.rows, c.spec.hidden);
  const Matrix inputs =
      view(c.activations.layer_inputs, c.rows, width * static_cast<int64_t>(c.spec.layers.size()));
  product(c, residual, {Slot::kLayerInputGate}, gate);
  c.backend.activation({.kind = c.spec.activation,
                        .gate = gate,
                        .up = columns(inputs, c.index * width, width),
                        .out = gate});
  product(c, gate, {Slot::kLayerInputProjection}, block);
  norm_in_place(c, block, {Slot::kLayerInputNorm});
  c.backend.add({.a = residual, .b = block, .out = residual});
}

}  // namespace chasqui::model
