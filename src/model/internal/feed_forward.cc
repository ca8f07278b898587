// The dense feed-forward: gated (separate matrices or one) or plain.
#include "model/internal/layer.h"
#include "model/internal/layer_ops.h"

namespace chasqui::model {

using backend::Matrix;

void dense_feed_forward(const LayerContext& c, const Matrix& x, const Matrix& out) {
  const int64_t width = c.layer.ffn;
  const Matrix both = view(c.activations.ffn, c.rows, 2 * width);
  const Matrix gate = columns(both, 0, width);
  const Matrix up = columns(both, width, width);
  const bool is_gated = c.weights.matrix(Slot::kFfnGate) != nullptr;
  const bool is_fused = c.weights.matrix(Slot::kFfnGateUp) != nullptr;
  if (is_fused) {
    product(c, x, {Slot::kFfnGateUp}, both);
  } else if (is_gated) {
    const backend::LinearTarget targets[] = {target(c, {Slot::kFfnGate, Slot::kFfnGateBias}, gate),
                                             target(c, {Slot::kFfnUp, Slot::kFfnUpBias}, up)};
    c.backend.linear({x, targets});
  } else {
    product(c, x, {Slot::kFfnUp, Slot::kFfnUpBias}, gate);
  }
  c.backend.activation({.kind = c.spec.activation,
                        .gate = gate,
                        .up = is_gated || is_fused ? up : Matrix{},
                        .out = gate});
  product(c, gate, {Slot::kFfnDown, Slot::kFfnDownBias}, out);
}

}  // namespace chasqui::model
