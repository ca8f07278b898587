#include "model/internal/layer.h"

#include <cmath>

namespace chasqui::model {
namespace {

using backend::dense;
using backend::Matrix;

Matrix view(const Buffer& buffer, int64_t rows, int64_t cols) {
  return dense(buffer.as<float>(), rows, cols);
}

// Columns [begin, begin + cols) of `matrix`.
Matrix columns(const Matrix& matrix, int64_t begin, int64_t cols) {
  return {matrix.data + begin, matrix.rows, cols, matrix.stride};
}

void norm_rows(const LayerContext& c, const Matrix& x, Slot weight, const Matrix& out) {
  c.backend.norm({.kind = c.spec.norm,
                  .x = x,
                  .group = x.cols,
                  .weight = c.weights.vector(weight),
                  .eps = c.spec.norm_eps,
                  .out = out});
}

// The residual stream takes up what a block made.
void add_block(const LayerContext& c, const Matrix& block) {
  const Matrix residual = view(c.activations.residual, c.rows, c.spec.hidden);
  c.backend.add({.a = residual, .b = block, .scale = 1.0f, .out = residual});
}

void rotate(const LayerContext& c, const Matrix& x) {
  if (c.rope == nullptr) return;
  const RopeSpec& rope = c.spec.ropes[static_cast<size_t>(c.layer.rope)];
  c.backend.rope({.kind = rope.kind,
                  .x = x,
                  .head_dim = c.layer.key_dim,
                  .rotated = rope.rotated,
                  .cos_sin = c.rope});
}

void attention_block(const LayerContext& c, const Matrix& x, const Matrix& out) {
  const LayerSpec& layer = c.layer;
  const Matrix qkv = view(c.activations.qkv, c.rows, layer.qkv_width());
  const Matrix q = columns(qkv, 0, layer.q_width());
  const Matrix k = columns(qkv, layer.q_width(), layer.k_width());
  const Matrix v = columns(qkv, layer.q_width() + layer.k_width(), layer.v_width());
  const backend::LinearTarget projections[] = {
      {c.weights.matrix(Slot::kQuery), c.weights.vector(Slot::kQueryBias), q},
      {c.weights.matrix(Slot::kKey), c.weights.vector(Slot::kKeyBias), k},
      {c.weights.matrix(Slot::kValue), c.weights.vector(Slot::kValueBias), v},
  };
  c.backend.linear({x, projections});
  rotate(c, q);
  rotate(c, k);
  c.backend.store_kv({.k = k, .v = v, .pool = &c.cache, .slices = c.slices});

  const Matrix mixed = view(c.activations.attention, c.rows, layer.attention_width());
  const float scale = c.spec.attention_scale > 0
                          ? c.spec.attention_scale
                          : 1.0f / std::sqrt(static_cast<float>(layer.key_dim));
  c.backend.attention({.q = q,
                       .out = mixed,
                       .pool = &c.cache,
                       .slices = c.slices,
                       .heads = layer.heads,
                       .scale = scale,
                       .window = layer.window});
  const backend::LinearTarget output[] = {{c.weights.matrix(Slot::kAttentionOutput),
                                           c.weights.vector(Slot::kAttentionOutputBias), out}};
  c.backend.linear({mixed, output});
}

void dense_block(const LayerContext& c, const Matrix& x, const Matrix& out) {
  const Matrix gate = view(c.activations.gate, c.rows, c.layer.ffn);
  const Matrix up = view(c.activations.up, c.rows, c.layer.ffn);
  const backend::LinearTarget inputs[] = {
      {c.weights.matrix(Slot::kFfnGate), c.weights.vector(Slot::kFfnGateBias), gate},
      {c.weights.matrix(Slot::kFfnUp), c.weights.vector(Slot::kFfnUpBias), up},
  };
  c.backend.linear({x, inputs});
  c.backend.activation({.kind = c.spec.activation, .gate = gate, .up = up, .out = gate});
  const backend::LinearTarget output[] = {
      {c.weights.matrix(Slot::kFfnDown), c.weights.vector(Slot::kFfnDownBias), out}};
  c.backend.linear({gate, output});
}

void expert_block(const LayerContext& c, const Matrix& x, const Matrix& out) {
  const ExpertSpec& experts = c.spec.experts;
  const Matrix logits = view(c.activations.router_logits, c.rows, experts.count);
  const backend::LinearTarget router[] = {{c.weights.matrix(Slot::kRouter), nullptr, logits}};
  c.backend.linear({x, router});
  auto* ids = c.activations.expert_ids.as<int32_t>();
  auto* weights = c.activations.expert_weights.as<float>();
  c.backend.route_experts({.gate = experts.gate,
                           .logits = logits,
                           .used = experts.used,
                           .normalize = experts.normalize,
                           .scale = experts.scale,
                           .ids = ids,
                           .weights = weights});

  const int64_t slots = c.rows * experts.used;
  const Matrix gate = view(c.activations.gate, slots, c.layer.ffn);
  const Matrix up = view(c.activations.up, slots, c.layer.ffn);
  const backend::ExpertTarget inputs[] = {
      {c.weights.matrix(Slot::kExpertsGate), nullptr, gate},
      {c.weights.matrix(Slot::kExpertsUp), nullptr, up},
  };
  c.backend.expert_linear(
      {.x = x, .targets = inputs, .tokens = c.rows, .used = experts.used, .ids = ids});
  c.backend.activation({.kind = c.spec.activation, .gate = gate, .up = up, .out = gate});
  const Matrix down = view(c.activations.expert_out, slots, c.spec.hidden);
  const backend::ExpertTarget output[] = {{c.weights.matrix(Slot::kExpertsDown), nullptr, down}};
  c.backend.expert_linear(
      {.x = gate, .targets = output, .tokens = c.rows, .used = experts.used, .ids = ids});
  c.backend.combine_experts({.y = down, .weights = weights, .used = experts.used, .out = out});
}

}  // namespace

void layer_forward(const LayerContext& c) {
  const Matrix residual = view(c.activations.residual, c.rows, c.spec.hidden);
  const Matrix normed = view(c.activations.normed, c.rows, c.spec.hidden);
  const Matrix block = view(c.activations.block_out, c.rows, c.spec.hidden);

  norm_rows(c, residual, Slot::kAttentionNorm, normed);
  attention_block(c, normed, block);
  add_block(c, block);

  norm_rows(c, residual, Slot::kFfnNorm, normed);
  if (c.layer.experts) {
    expert_block(c, normed, block);
  } else {
    dense_block(c, normed, block);
  }
  add_block(c, block);
}

}  // namespace chasqui::model
