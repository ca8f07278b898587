// Gemma 4: Gemma 3 with head sizes that differ between windowed and full layers, normalised values,
// last layers that read the keys and values of earlier ones, optionally an embedding of the tokens
// for each layer, and experts beside the dense feed-forward.
#include <cmath>

#include "model/arch/common_spec.h"
#include "model/arch/list.h"
#include "model/internal/common_tensors.h"

namespace chasqui::model {
namespace {

using backend::RopeKind;

constexpr IntRange kDim{1, 1 << 16};

// Windowed layers have heads of their own size and a rope of their own.
Status read_windowed_layers(const Metadata& metadata, ModelSpec& spec) {
  CHASQUI_TRY(const int64_t window, read_window(metadata));
  CHASQUI_TRY(const auto windowed, read_window_pattern(metadata, spec.layers.size(), 6));
  CHASQUI_TRY(const double base, metadata.double_or("rope.freq_base_swa", 1, 1e12, 10000));
  const int64_t usual = spec.layers.front().key_dim;
  CHASQUI_TRY(const int64_t key_dim, metadata.int_or("attention.key_length_swa", kDim, usual));
  CHASQUI_TRY(const int64_t value_dim,
              metadata.int_or("attention.value_length_swa", kDim, key_dim));
  CHASQUI_TRY(const int64_t rotated,
              metadata.int_or("rope.dimension_count_swa", {2, key_dim}, key_dim));
  use_window(spec, window, windowed);
  use_window_rope(spec, base, windowed);
  spec.ropes.back().rotated = rotated / 2 * 2;
  for (size_t i = 0; i < spec.layers.size(); ++i) {
    if (!windowed[i]) continue;
    spec.layers[i].key_dim = key_dim;
    spec.layers[i].value_dim = value_dim;
  }
  return {};
}

bool can_share(const LayerSpec& owner, const LayerSpec& reader) {
  return owner.window == reader.window && owner.key_dim == reader.key_dim &&
         owner.value_dim == reader.value_dim && owner.kv_heads > 0 &&
         reader.heads % owner.kv_heads == 0;
}

// The last layers read what the last layer of their kind with keys and values has stored.
Status share_keys_and_values(const Metadata& metadata, ModelSpec& spec) {
  const auto layers = static_cast<int64_t>(spec.layers.size());
  CHASQUI_TRY(const int64_t sharing,
              metadata.int_or("attention.shared_kv_layers", {0, layers - 1}, 0));
  const auto owners = static_cast<size_t>(layers - sharing);
  for (size_t i = owners; i < spec.layers.size(); ++i) {
    LayerSpec& layer = spec.layers[i];
    for (size_t owner = 0; owner < owners; ++owner) {
      if (can_share(spec.layers[owner], layer)) layer.kv_layer = static_cast<int>(owner);
    }
    if (layer.owns_kv()) {
      return fail(ErrorCode::kInvalidArgument,
                  metadata.file().path() + ": " + metadata.key("attention.shared_kv_layers") +
                      " leaves no layer whose keys the last ones could read");
    }
    layer.kv_heads = spec.layers[static_cast<size_t>(layer.kv_layer)].kv_heads;
  }
  return {};
}

Status read_experts(const Metadata& metadata, ModelSpec& spec) {
  if (spec.experts.count == 0) return {};
  CHASQUI_TRY(const int64_t width,
              metadata.require_int("expert_feed_forward_length", {1, 1 << 20}));
  for (LayerSpec& layer : spec.layers) {
    layer.shared_ffn = layer.ffn;  // the dense feed-forward runs beside the experts
    layer.ffn = width;
  }
  return {};
}

Result<ModelSpec> read_spec(const Metadata& metadata) {
  CHASQUI_TRY(ModelSpec spec, read_common_spec(metadata, RopeKind::kNeox));
  CHASQUI_TRY_STATUS(read_rms_norm(metadata, spec));
  spec.activation = backend::Activation::kGeluTanh;
  spec.embedding_scale = std::sqrt(static_cast<float>(spec.hidden));
  spec.attention_scale = 1.0f;
  spec.value_norm = true;
  CHASQUI_TRY_STATUS(read_windowed_layers(metadata, spec));
  CHASQUI_TRY_STATUS(share_keys_and_values(metadata, spec));
  CHASQUI_TRY_STATUS(read_experts(metadata, spec));
  CHASQUI_TRY(spec.layer_input_dim,
              metadata.int_or("embedding_length_per_layer_input", {0, 1 << 16}, 0));
  CHASQUI_TRY(spec.logit_softcap, read_factor(metadata, "final_logit_softcapping", 0));
  for (size_t i = 0; i < spec.layers.size(); ++i) {
    const std::string name = "blk." + std::to_string(i) + ".attn_v.weight";
    LayerSpec& layer = spec.layers[i];
    layer.value_is_key = metadata.file().find_tensor(name) == nullptr;
    if (layer.value_is_key && layer.owns_kv() && layer.key_dim != layer.value_dim) {
      return fail(ErrorCode::kInvalidArgument,
                  metadata.file().path() + " lacks the tensor " + name +
                      ", and keys cannot be values: " + metadata.key("attention.value_length") +
                      " is another number than " + metadata.key("attention.key_length"));
    }
  }
  return spec;
}

// The dense feed-forward of layers with experts, which stands where others have a shared expert.
constexpr std::array kDenseBesideExperts = {
    named(kSharedGate, "blk.{}.ffn_gate.weight"), named(kSharedUp, "blk.{}.ffn_up.weight"),
    named(kSharedDown, "blk.{}.ffn_down.weight"),
    vector_rule(Slot::kPostSharedNorm, "blk.{}.post_ffw_norm_1.weight", Dim::kHidden,
                Need::kExpertLayers)};

constexpr TensorRule kRouterScale = {Slot::kRouterScale,
                                     "blk.{}.ffn_gate_inp.scale",
                                     {Dim::kHidden, Dim::kOne, Dim::kOne},
                                     Form::kVector,
                                     Need::kExpertLayers,
                                     {},
                                     true};
constexpr std::array kExpertExtras = {
    kRouterScale,
    vector_rule(Slot::kExpertsDownScale, "blk.{}.ffn_down_exps.scale", Dim::kExperts,
                Need::kOptional),
    vector_rule(Slot::kExpertsNorm, "blk.{}.pre_ffw_norm_2.weight", Dim::kHidden,
                Need::kExpertLayers),
    vector_rule(Slot::kPostExpertsNorm, "blk.{}.post_ffw_norm_2.weight", Dim::kHidden,
                Need::kExpertLayers)};

constexpr std::array kLayerInputs = {
    with_need(table_rule(Slot::kLayerInputEmbedding, "per_layer_token_embd.weight",
                         Dim::kAllLayerInputs, Dim::kVocab),
              Need::kLayerInputs),
    matrix_rule(Slot::kLayerInputModel, "per_layer_model_proj.weight", Dim::kHidden,
                Dim::kAllLayerInputs, Need::kLayerInputs),
    vector_rule(Slot::kLayerInputModelNorm, "per_layer_proj_norm.weight", Dim::kLayerInput,
                Need::kLayerInputs),
    matrix_rule(Slot::kLayerInputGate, "blk.{}.inp_gate.weight", Dim::kHidden, Dim::kLayerInput,
                Need::kLayerInputs),
    matrix_rule(Slot::kLayerInputProjection, "blk.{}.proj.weight", Dim::kLayerInput, Dim::kHidden,
                Need::kLayerInputs),
    vector_rule(Slot::kLayerInputNorm, "blk.{}.post_norm.weight", Dim::kHidden,
                Need::kLayerInputs)};

constexpr auto kTensors = join(
    kEmbeddingTensors, kRopeFactors, kLayerInputs, kAttentionNorm, kQuery,
    with_need(kKey, Need::kOwnKvLayers), with_need(kValue, Need::kOwnValueLayers), kQueryNorm,
    with_need(kKeyNorm, Need::kOwnKvLayers), kAttentionOutput, kPostAttentionNorm, kFfnNorm,
    kFfnGate, kFfnUp, kFfnDown, kDenseBesideExperts, kExpertTensors, kExpertExtras, kPostFfnNorm,
    vector_rule(Slot::kLayerScale, "blk.{}.layer_output_scale.weight", Dim::kOne, Need::kOptional));

}  // namespace

constinit const Architecture kGemma4 = {"gemma4", read_spec, kTensors};

}  // namespace chasqui::model
