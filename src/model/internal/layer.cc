#include "model/internal/layer.h"

#include "base/check.h"
#include "model/internal/layer_ops.h"

namespace chasqui::model {
namespace {

using backend::Matrix;

constexpr NormSlots kMixerNorm = {Slot::kAttentionNorm, Slot::kAttentionNormBias};
constexpr NormSlots kMixerBlockNorm = {Slot::kPostAttentionNorm};
constexpr NormSlots kMixerResidualNorm = {Slot::kAttentionResidualNorm,
                                          Slot::kAttentionResidualNormBias};
constexpr NormSlots kFfnNorm = {Slot::kFfnNorm, Slot::kFfnNormBias};
constexpr NormSlots kFfnBlockNorm = {Slot::kPostFfnNorm};
constexpr NormSlots kFfnResidualNorm = {Slot::kFfnResidualNorm, Slot::kFfnResidualNormBias};

// The residual stream takes up what a block made.
void add_block(const LayerContext& c, const Matrix& block, NormSlots residual_norm) {
  const Matrix residual = residual_of(c);
  c.backend.add({.a = residual, .b = block, .b_scale = c.spec.residual_scale, .out = residual});
  norm_in_place(c, residual, residual_norm);
}

void mix(const LayerContext& c, const Matrix& x, const Matrix& out) {
  switch (c.layer.mixer) {
    case Mixer::kAttention:
      return attention_mixer(c, x, out);
    case Mixer::kLatentAttention:
      return latent_attention_mixer(c, x, out);
    case Mixer::kDeltaNet:
      return delta_net_mixer(c, x, out);
    case Mixer::kShortConv:
      return short_conv_mixer(c, x, out);
    case Mixer::kNone:
      break;
  }
  CHASQUI_CHECK(false, "layer {} has no mixer", c.index);
}

void feed_forward(const LayerContext& c, const Matrix& x, const Matrix& out) {
  if (c.layer.experts) return expert_feed_forward(c, x, out);
  dense_feed_forward(c, x, out);
}

// One block after the other.
void sequential_blocks(const LayerContext& c) {
  const Matrix room = view(c.activations.normed, c.rows, c.spec.hidden);
  const Matrix block = view(c.activations.block_out, c.rows, c.spec.hidden);
  if (c.layer.experts && c.spec.experts.early) choose_experts(c, residual_of(c));
  mix(c, normed_or_same(c, residual_of(c), kMixerNorm, room), block);
  norm_in_place(c, block, kMixerBlockNorm);
  add_block(c, block, kMixerResidualNorm);

  feed_forward(c, normed_or_same(c, residual_of(c), kFfnNorm, room), block);
  norm_in_place(c, block, kFfnBlockNorm);
  add_block(c, block, kFfnResidualNorm);
}

// Both blocks read the layer's input, under one norm or each under its own.
void parallel_blocks(const LayerContext& c) {
  const bool has_mixer_norm = c.weights.vector(kMixerNorm.weight) != nullptr;
  const bool has_ffn_norm = c.weights.vector(kFfnNorm.weight) != nullptr;
  const Matrix room = view(c.activations.normed, c.rows, c.spec.hidden);
  const Matrix block = view(c.activations.block_out, c.rows, c.spec.hidden);
  const Matrix residual = residual_of(c);
  mix(c, normed_or_same(c, residual, has_mixer_norm ? kMixerNorm : kFfnNorm, room), block);
  const Matrix x = normed_or_same(c, residual, has_ffn_norm ? kFfnNorm : kMixerNorm, room);
  add_block(c, block, kMixerResidualNorm);
  feed_forward(c, x, block);
  add_block(c, block, kFfnResidualNorm);
}

}  // namespace

void layer_forward(const LayerContext& c) {
  if (c.spec.parallel_blocks) {
    parallel_blocks(c);
  } else {
    sequential_blocks(c);
  }
  if (c.spec.layer_input_dim > 0) add_layer_input(c);
  if (const float* scale = c.weights.vector(Slot::kLayerScale); scale != nullptr) {
    c.backend.scale_rows({residual_of(c), scale, 0});
  }
}

}  // namespace chasqui::model
