// Latent attention, arXiv:2405.04434, section 2.1, in its absorbed form: what a head's key and
// value are projected from, the latent vector, is cached instead of them, and the projections go to
// the other side: queries are brought to the latent space, and mixes of latent vectors are brought
// from there. So all heads share one cached key, [latent | rotated part], whose first part is the
// value.
#include "model/internal/layer.h"
#include "model/internal/layer_ops.h"

namespace chasqui::model {
namespace {

using backend::Matrix;

// A dense matrix of heads with one row a head.
Matrix by_head(const Matrix& x, int64_t heads, int64_t width) {
  return {x.data, x.rows * heads, width, width};
}

// A product with a matrix for each head; rows are heads of tokens.
void head_product(const LayerContext& c, const Matrix& x, Slot slot, const Matrix& y) {
  const backend::ExpertTarget targets[] = {{c.weights.matrix(slot), nullptr, y}};
  c.backend.expert_linear({.x = x,
                           .targets = targets,
                           .tokens = c.rows,
                           .used = c.layer.heads,
                           .ids = c.activations.head_ids.as<int32_t>()});
}

// Rotates the last part of each head of `x`.
void rotate(const LayerContext& c, const Matrix& x, int64_t head_dim) {
  if (c.rope == nullptr) return;
  const RopeSpec& rope = c.spec.ropes[static_cast<size_t>(c.layer.rope)];
  c.backend.rope({.kind = rope.kind,
                  .x = x,
                  .head_dim = head_dim,
                  .first = head_dim - rope.rotated,
                  .rotated = rope.rotated,
                  .cos_sin = c.rope});
}

// [latent | rotated part] of the rows' tokens, into the cache.
void store_latent(const LayerContext& c, const Matrix& x) {
  const Matrix key = view(c.activations.latent, c.rows, c.layer.key_dim);
  const Matrix latent = columns(key, 0, c.spec.latent.rank);
  product(c, x, {Slot::kLatentDown}, key);
  norm_rows(c, latent, {Slot::kLatentNorm}, latent);
  rotate(c, key, c.layer.key_dim);
  c.backend.store_kv({.k = key, .v = latent, .pool = c.cache, .slices = c.slices});
}

// Queries as the heads have them: [plain part | rotated part].
Matrix head_queries(const LayerContext& c, const Matrix& x) {
  const LatentSpec& latent = c.spec.latent;
  const Matrix q = view(c.activations.head_queries, c.rows, c.layer.heads * latent.key_dim);
  if (latent.query_rank == 0) {
    product(c, x, {Slot::kQuery}, q);
  } else {
    const Matrix low = view(c.activations.query_rank, c.rows, latent.query_rank);
    product(c, x, {Slot::kQueryDown}, low);
    norm_rows(c, low, {Slot::kQueryDownNorm}, low);
    product(c, low, {Slot::kQueryUp}, q);
  }
  rotate(c, q, latent.key_dim);
  return q;
}

// The same queries as the cache is asked: [latent | rotated part] for each head.
Matrix latent_queries(const LayerContext& c, const Matrix& head_queries) {
  const int64_t rank = c.spec.latent.rank;
  const int64_t rotated = c.layer.key_dim - rank;
  const int64_t plain = c.spec.latent.key_dim - rotated;
  const Matrix from = by_head(head_queries, c.layer.heads, c.spec.latent.key_dim);
  const Matrix q = view(c.activations.qkv, c.rows, c.layer.q_width());
  const Matrix to = by_head(q, c.layer.heads, c.layer.key_dim);
  head_product(c, columns(from, 0, plain), Slot::kLatentKey, columns(to, 0, rank));
  c.backend.copy({columns(from, plain, rotated), columns(to, rank, rotated)});
  return q;
}

}  // namespace

void latent_attention_mixer(const LayerContext& c, const Matrix& x, const Matrix& out) {
  const LayerSpec& layer = c.layer;
  const LatentSpec& latent = c.spec.latent;
  store_latent(c, x);
  const Matrix q = latent_queries(c, head_queries(c, x));
  if (c.query_scale != nullptr) c.backend.scale_rows({q, c.query_scale});

  const Matrix mixed = view(c.activations.attention, c.rows, layer.attention_width());
  c.backend.attention({.q = q,
                       .out = mixed,
                       .pool = c.cache,
                       .slices = c.slices,
                       .heads = layer.heads,
                       .scale = c.spec.attention_scale,
                       .causal = c.spec.causal});
  const Matrix values = view(c.activations.head_queries, c.rows, layer.heads * latent.value_dim);
  head_product(c, by_head(mixed, layer.heads, layer.value_dim), Slot::kLatentValue,
               by_head(values, layer.heads, latent.value_dim));
  product(c, values, {Slot::kAttentionOutput, Slot::kAttentionOutputBias}, out);
}

}  // namespace chasqui::model
