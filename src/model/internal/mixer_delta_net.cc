// The gated delta net: linear attention whose keys correct what their state already says. A layer's
// state is that of the convolution, [taps - 1, qkv_width], followed by those of the heads.
#include <cmath>

#include "model/internal/layer.h"
#include "model/internal/layer_ops.h"

namespace chasqui::model {
namespace {

using backend::GateColumns;
using backend::Matrix;

struct Gates {
  GateColumns beta;
  GateColumns alpha;
};

// Two matrices, one behind the other, or one in which those of each key head are together.
Gates gates_of(const LayerContext& c) {
  const DeltaNetSpec& net = c.spec.delta_net;
  const Matrix both = view(c.activations.delta_gates, c.rows, 2 * net.value_heads);
  if (c.weights.matrix(Slot::kDeltaBetaAlpha) != nullptr) {
    const int64_t share = net.value_heads / net.key_heads;
    return {{both, share, 2 * share}, {columns(both, share, both.cols - share), share, 2 * share}};
  }
  return {{columns(both, 0, net.value_heads), net.value_heads, net.value_heads},
          {columns(both, net.value_heads, net.value_heads), net.value_heads, net.value_heads}};
}

void project(const LayerContext& c, const Matrix& x, const Matrix& qkv, const Matrix& gate) {
  const Gates gates = gates_of(c);
  if (c.weights.matrix(Slot::kDeltaBetaAlpha) != nullptr) {
    const backend::LinearTarget targets[] = {target(c, {Slot::kDeltaQkv}, qkv),
                                             target(c, {Slot::kDeltaGate}, gate),
                                             target(c, {Slot::kDeltaBetaAlpha}, gates.beta.x)};
    c.backend.linear({x, targets});
    return;
  }
  const backend::LinearTarget targets[] = {
      target(c, {Slot::kDeltaQkv}, qkv), target(c, {Slot::kDeltaGate}, gate),
      target(c, {Slot::kDeltaBeta}, gates.beta.x), target(c, {Slot::kDeltaAlpha}, gates.alpha.x)};
  c.backend.linear({x, targets});
}

// Queries, keys and values after the convolution, the first two of length 1.
void convolve(const LayerContext& c, const Matrix& qkv, const Matrix& mixed) {
  c.backend.conv_update({.x = qkv,
                         .taps = c.spec.conv_taps,
                         .weight = c.weights.vector(Slot::kConvTaps),
                         .state = {c.states, 0},
                         .slices = c.slices,
                         .out = mixed});
  c.backend.activation({.kind = backend::Activation::kSilu, .gate = mixed, .up = {}, .out = mixed});
  const Matrix queries_and_keys = columns(mixed, 0, 2 * c.spec.delta_net.key_width());
  c.backend.norm({.kind = backend::NormKind::kL2,
                  .x = queries_and_keys,
                  .group = c.spec.delta_net.key_dim,
                  .eps = c.spec.norm_eps,
                  .out = queries_and_keys});
}

void run_heads(const LayerContext& c, const Matrix& mixed, const Matrix& results) {
  const DeltaNetSpec& net = c.spec.delta_net;
  const Gates gates = gates_of(c);
  c.backend.delta_rule({.q = columns(mixed, 0, net.key_width()),
                        .k = columns(mixed, net.key_width(), net.key_width()),
                        .v = columns(mixed, 2 * net.key_width(), net.value_width()),
                        .alpha = gates.alpha,
                        .beta = gates.beta,
                        .dt_bias = c.weights.vector(Slot::kDeltaDtBias),
                        .decay = c.weights.vector(Slot::kDeltaDecay),
                        .key_heads = net.key_heads,
                        .value_heads = net.value_heads,
                        .sharing = net.sharing,
                        .scale = 1.0f / std::sqrt(static_cast<float>(net.key_dim)),
                        .state = {c.states, (c.spec.conv_taps - 1) * net.qkv_width()},
                        .slices = c.slices,
                        .out = results});
}

}  // namespace

void delta_net_mixer(const LayerContext& c, const Matrix& x, const Matrix& out) {
  const DeltaNetSpec& net = c.spec.delta_net;
  const Matrix qkv = view(c.activations.recurrent_in, c.rows, net.qkv_width());
  const Matrix mixed = view(c.activations.recurrent_mixed, c.rows, net.qkv_width());
  const Matrix gate = view(c.activations.recurrent_gate, c.rows, net.value_width());
  const Matrix results = view(c.activations.attention, c.rows, net.value_width());
  project(c, x, qkv, gate);
  convolve(c, qkv, mixed);
  run_heads(c, mixed, results);
  c.backend.norm({.kind = c.spec.norm,
                  .x = results,
                  .group = net.value_dim,
                  .weight = c.weights.vector(Slot::kDeltaNorm),
                  .eps = c.spec.norm_eps,
                  .out = results});
  c.backend.activation(
      {.kind = backend::Activation::kSilu, .gate = gate, .up = results, .out = results});
  product(c, results, {Slot::kDeltaOutput}, out);
}

}  // namespace chasqui::model
