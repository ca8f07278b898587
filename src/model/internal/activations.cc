#include "model/internal/activations.h"

#include <algorithm>

namespace chasqui::model {
namespace {

// Widths of the widest layer.
struct Widths {
  int64_t qkv = 0;
  int64_t attention = 0;
  int64_t ffn = 0;
  int64_t heads = 0;
  int64_t queries = 0;
  int64_t recurrent_in = 0;
  int64_t recurrent_mixed = 0;
};

Widths widest(const ModelSpec& spec) {
  Widths widths;
  widths.ffn = spec.layer_input_dim;
  for (const LayerSpec& layer : spec.layers) {
    const int64_t copies = layer.experts ? spec.experts.used : 1;
    // Behind attention the queries make room for gates.
    widths.qkv = std::max({widths.qkv, layer.qkv_width(), layer.attention_width()});
    widths.attention = std::max(widths.attention, layer.attention_width());
    widths.queries = std::max(widths.queries, layer.q_width());
    widths.ffn = std::max({widths.ffn, 2 * layer.ffn * copies, 2 * layer.shared_ffn});
    widths.heads = std::max(widths.heads, layer.heads);
    if (layer.mixer == Mixer::kDeltaNet) {
      widths.attention = std::max(widths.attention, spec.delta_net.value_width());
      widths.recurrent_in = widths.recurrent_mixed = spec.delta_net.qkv_width();
    }
    if (layer.mixer == Mixer::kShortConv) {
      widths.recurrent_in = 3 * spec.hidden;
      widths.recurrent_mixed = spec.hidden;
    }
  }
  return widths;
}

struct Part {
  Buffer Activations::*buffer;
  int64_t rows;
  int64_t width;
};

Status allocate_parts(Activations& activations, backend::Backend& backend,
                      std::span<const Part> parts) {
  for (const Part& part : parts) {
    if (part.width == 0) continue;
    const auto bytes = static_cast<size_t>(part.rows * part.width) * sizeof(float);
    CHASQUI_TRY(activations.*part.buffer, backend.allocate(bytes));
  }
  return {};
}

// Latent attention multiplies each head with a matrix of its own, as if heads were experts that
// every token chooses in order.
void fill_head_ids(const Buffer& ids, int64_t rows, int64_t heads) {
  for (int64_t i = 0; i < rows * heads; ++i) {
    ids.as<int32_t>()[i] = static_cast<int32_t>(i % heads);
  }
}

}  // namespace

Result<Activations> Activations::allocate(const ModelSpec& spec, backend::Backend& backend,
                                          int64_t max_rows, int64_t max_logit_rows) {
  const Widths widths = widest(spec);
  int64_t rope_floats = 0;
  for (const RopeSpec& rope : spec.ropes) rope_floats += rope.rotated;
  const LatentSpec& latent = spec.latent;
  const bool is_latent = latent.rank > 0;
  const bool has_experts = spec.experts.count > 0;
  const int64_t layer_inputs = spec.layer_input_dim * static_cast<int64_t>(spec.layers.size());

  const Part parts[] = {
      {&Activations::residual, max_rows, spec.hidden},
      {&Activations::normed, max_rows, spec.hidden},
      {&Activations::qkv, max_rows, widths.qkv},
      {&Activations::attention, max_rows, widths.attention},
      {&Activations::block_out, max_rows, spec.hidden},
      {&Activations::ffn, max_rows, widths.ffn},
      {&Activations::gated_queries, max_rows, spec.query_gate ? 2 * widths.queries : 0},
      {&Activations::recurrent_in, max_rows, widths.recurrent_in},
      {&Activations::recurrent_mixed, max_rows, widths.recurrent_mixed},
      {&Activations::recurrent_gate, max_rows, spec.delta_net.value_width()},
      {&Activations::delta_gates, max_rows, 2 * spec.delta_net.value_heads},
      {&Activations::query_scale, max_rows, spec.temperature_length > 0 ? 1 : 0},
      {&Activations::latent, max_rows, is_latent ? spec.layers.front().key_dim : 0},
      {&Activations::query_rank, max_rows, latent.query_rank},
      {&Activations::head_queries, max_rows,
       widths.heads * std::max(latent.key_dim, latent.value_dim)},
      {&Activations::head_ids, max_rows, is_latent ? widths.heads : 0},
      {&Activations::expert_in, max_rows, has_experts ? spec.hidden : 0},
      {&Activations::expert_out, max_rows, spec.experts.used * spec.hidden},
      {&Activations::router_logits, max_rows, spec.experts.count},
      {&Activations::expert_ids, max_rows, spec.experts.used},
      {&Activations::expert_weights, max_rows, spec.experts.used},
      {&Activations::expert_ones, max_rows, spec.experts.weigh_inputs ? spec.experts.used : 0},
      {&Activations::shared_weight, max_rows, has_experts ? 1 : 0},
      {&Activations::layer_inputs, max_rows, layer_inputs},
      {&Activations::layer_inputs_model, max_rows, layer_inputs},
      {&Activations::rope, max_rows, rope_floats},
      {&Activations::gathered, max_rows, spec.hidden},
      {&Activations::logits, max_logit_rows, spec.causal ? spec.vocab : 0},
  };
  Activations activations;
  CHASQUI_TRY_STATUS(allocate_parts(activations, backend, parts));
  if (is_latent) fill_head_ids(activations.head_ids, max_rows, widths.heads);
  if (spec.experts.weigh_inputs) {
    std::fill_n(activations.expert_ones.as<float>(), max_rows * spec.experts.used, 1.0f);
  }
  return activations;
}

}  // namespace chasqui::model
