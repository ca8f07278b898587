// The short convolution of LFM2: out = W_out (c * conv(b * x)) with b, c and x from one projection.
#include "model/internal/layer.h"
#include "model/internal/layer_ops.h"

namespace chasqui::model {
namespace {

using backend::Matrix;

// x *= gate
void multiply(const LayerContext& c, const Matrix& gate, const Matrix& x) {
  c.backend.activation({.kind = backend::Activation::kIdentity, .gate = gate, .up = x, .out = x});
}

}  // namespace

void short_conv_mixer(const LayerContext& c, const Matrix& x, const Matrix& out) {
  const int64_t width = c.spec.hidden;
  const Matrix all = view(c.activations.recurrent_in, c.rows, 3 * width);
  const Matrix gate_before = columns(all, 0, width);
  const Matrix gate_after = columns(all, width, width);
  const Matrix input = columns(all, 2 * width, width);
  product(c, x, {Slot::kShortConvIn}, all);
  multiply(c, gate_before, input);
  const Matrix mixed = view(c.activations.recurrent_mixed, c.rows, width);
  c.backend.conv_update({.x = input,
                         .taps = c.spec.conv_taps,
                         .weight = c.weights.vector(Slot::kConvTaps),
                         .state = {c.states, 0},
                         .slices = c.slices,
                         .out = mixed});
  multiply(c, gate_after, mixed);
  product(c, mixed, {Slot::kShortConvOut}, out);
}

}  // namespace chasqui::model
