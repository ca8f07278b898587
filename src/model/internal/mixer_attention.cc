// Attention with the keys and values of every head in the cache.
#include <cmath>

#include "model/internal/layer.h"
#include "model/internal/layer_ops.h"

namespace chasqui::model {
namespace {

using backend::dense;
using backend::Matrix;

struct Heads {
  Matrix q;
  Matrix k;
  Matrix v;
};

// Each head's query and gate beside each other, as the projection gives them; one row a head.
struct GatedQueries {
  Matrix query;
  Matrix gate;
};

GatedQueries gated_queries(const LayerContext& c) {
  const int64_t dim = c.layer.key_dim;
  const Matrix both = view(c.activations.gated_queries, c.rows * c.layer.heads, 2 * dim);
  return {columns(both, 0, dim), columns(both, dim, dim)};
}

// Heads of all rows below each other. REQUIRES: rows without gaps.
Matrix by_head(const Matrix& x, int64_t dim) {
  return dense(x.data, x.rows * x.cols / dim, dim);
}

// q, k and v side by side, so that a fused projection fills them as separate ones do; with gates,
// which come from separate projections, q stands before the others.
Heads heads_of(const LayerContext& c) {
  const LayerSpec& layer = c.layer;
  if (c.spec.query_gate) {
    const Matrix q = view(c.activations.qkv, c.rows, layer.q_width());
    const Matrix kv =
        dense(q.data + c.rows * layer.q_width(), c.rows, layer.k_width() + layer.v_width());
    return {q, columns(kv, 0, layer.k_width()), columns(kv, layer.k_width(), layer.v_width())};
  }
  const Matrix qkv = view(c.activations.qkv, c.rows, layer.qkv_width());
  return {columns(qkv, 0, layer.q_width()), columns(qkv, layer.q_width(), layer.k_width()),
          columns(qkv, layer.q_width() + layer.k_width(), layer.v_width())};
}

void project(const LayerContext& c, const Matrix& x, const Heads& heads) {
  if (c.weights.matrix(Slot::kQkv) != nullptr) {
    product(c, x, {Slot::kQkv, Slot::kQkvBias},
            view(c.activations.qkv, c.rows, c.layer.qkv_width()));
    return;
  }
  const Matrix queries = c.spec.query_gate
                             ? view(c.activations.gated_queries, c.rows, 2 * c.layer.q_width())
                             : heads.q;
  const backend::LinearTarget targets[] = {
      target(c, {Slot::kQuery, Slot::kQueryBias}, queries),
      target(c, {Slot::kKey, Slot::kKeyBias}, heads.k),
      target(c, {Slot::kValue, Slot::kValueBias}, heads.v),
  };
  // Layers that read another's keys and values have queries only; some have keys for values.
  const size_t count = !c.layer.owns_kv() ? 1 : c.layer.value_is_key ? 2 : 3;
  c.backend.linear({x, std::span(targets, count)});
  if (c.layer.owns_kv() && c.layer.value_is_key) c.backend.copy({heads.k, heads.v});
  if (c.spec.query_gate) {
    c.backend.copy({gated_queries(c).query, by_head(heads.q, c.layer.key_dim)});
  }
}

void norm_heads(const LayerContext& c, const Matrix& x, Slot weight) {
  if (c.weights.vector(weight) == nullptr && !c.layer.plain_qk_norm) return;
  const QkNorm kind = c.spec.qk_norm;
  c.backend.norm({.kind = c.spec.norm,
                  .x = x,
                  .group = kind == QkNorm::kWholeRow ? x.cols : c.layer.key_dim,
                  .weight = c.weights.vector(weight),
                  .weight_per_column = kind == QkNorm::kPerColumn,
                  .eps = c.spec.norm_eps,
                  .out = x});
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

// Queries or keys as they meet each other.
void norm_and_rotate(const LayerContext& c, const Matrix& x, Slot norm_weight) {
  if (!c.spec.qk_norm_after_rope) norm_heads(c, x, norm_weight);
  rotate(c, x);
  if (c.spec.qk_norm_after_rope) norm_heads(c, x, norm_weight);
}

void store_keys_and_values(const LayerContext& c, const Heads& heads) {
  if (c.spec.value_norm) {
    c.backend.norm({.kind = c.spec.norm,
                    .x = heads.v,
                    .group = c.layer.value_dim,
                    .eps = c.spec.norm_eps,
                    .out = heads.v});
  }
  norm_and_rotate(c, heads.k, Slot::kKeyNorm);
  c.backend.store_kv({.k = heads.k, .v = heads.v, .pool = c.cache, .slices = c.slices});
}

// Multiplies what the heads answer by a gate, where the model has one: from the projection of the
// queries, or from one of its own.
void apply_gate(const LayerContext& c, const Matrix& x, const Matrix& mixed) {
  if (c.spec.query_gate) {
    const Matrix results = by_head(mixed, c.layer.value_dim);
    c.backend.activation({.kind = backend::Activation::kSigmoid,
                          .gate = gated_queries(c).gate,
                          .up = results,
                          .out = results});
    return;
  }
  if (c.weights.matrix(Slot::kAttentionGate) == nullptr) return;
  const Matrix gates = view(c.activations.qkv, c.rows, mixed.cols);  // the queries are done with
  product(c, x, {Slot::kAttentionGate}, gates);
  c.backend.activation(
      {.kind = backend::Activation::kSigmoid, .gate = gates, .up = mixed, .out = mixed});
}

}  // namespace

void attention_mixer(const LayerContext& c, const Matrix& x, const Matrix& out) {
  const LayerSpec& layer = c.layer;
  const Heads heads = heads_of(c);
  project(c, x, heads);
  if (layer.owns_kv()) store_keys_and_values(c, heads);
  norm_and_rotate(c, heads.q, Slot::kQueryNorm);
  if (c.query_scale != nullptr) c.backend.scale_rows({heads.q, c.query_scale});

  const Matrix mixed = view(c.activations.attention, c.rows, layer.attention_width());
  const float scale = c.spec.attention_scale > 0
                          ? c.spec.attention_scale
                          : 1.0f / std::sqrt(static_cast<float>(layer.key_dim));
  c.backend.attention({.q = heads.q,
                       .out = mixed,
                       .pool = c.cache,
                       .slices = c.slices,
                       .heads = layer.heads,
                       .scale = scale,
                       .softcap = c.spec.attention_softcap,
                       .window = layer.window,
                       .causal = c.spec.causal,
                       .sinks = c.weights.vector(Slot::kSinks)});
  apply_gate(c, x, mixed);
  product(c, mixed, {Slot::kAttentionOutput, Slot::kAttentionOutputBias}, out);
}

}  // namespace chasqui::model
