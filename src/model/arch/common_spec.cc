#include "model/arch/common_spec.h"

#include <fmt/format.h>

#include <algorithm>

namespace chasqui::model {
namespace {

// Larger than any published model by an order of magnitude, small enough that a product of two
// sizes and a layer count stays far below 2^63.
constexpr IntRange kLayers{1, 1024};
constexpr IntRange kWidth{1, 1 << 20};
constexpr IntRange kHeads{1, 4096};
constexpr IntRange kKvHeads{0, 4096};  // 0: a layer without attention
constexpr IntRange kHeadDim{1, 1 << 16};
constexpr IntRange kVocab{1, 1 << 24};
constexpr IntRange kContext{1, int64_t{1} << 31};  // positions are int32
constexpr IntRange kContextOrNone{0, int64_t{1} << 32};
constexpr IntRange kExperts{0, 4096};
constexpr IntRange kSharedWidth{0, 1 << 20};

Status read_heads(const Metadata& metadata, ModelSpec& spec, int64_t layers) {
  CHASQUI_TRY(const auto heads, metadata.per_layer("attention.head_count", kHeads, layers, {}));
  CHASQUI_TRY(const auto kv_heads,
              metadata.per_layer("attention.head_count_kv", kKvHeads, layers, heads.front()));
  // Files of models that have nothing but experts may lack the width of the others.
  CHASQUI_TRY(const int64_t of_expert,
              metadata.int_or("expert_feed_forward_length", kSharedWidth, 0));
  const auto usual_ffn = of_expert > 0 ? std::optional(of_expert) : std::nullopt;
  CHASQUI_TRY(const auto ffn, metadata.per_layer("feed_forward_length", kWidth, layers, usual_ffn));
  const int64_t usual_dim = spec.hidden / heads.front();
  CHASQUI_TRY(const int64_t key_dim, metadata.int_or("attention.key_length", kHeadDim, usual_dim));
  CHASQUI_TRY(const int64_t value_dim,
              metadata.int_or("attention.value_length", kHeadDim, usual_dim));
  if (key_dim == 0 || value_dim == 0) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: {} = {} heads do not fit into {} = {}", metadata.file().path(),
                            metadata.key("attention.head_count"), heads.front(),
                            metadata.key("embedding_length"), spec.hidden));
  }
  for (size_t i = 0; i < heads.size(); ++i) {
    if (kv_heads[i] > 0 && heads[i] % kv_heads[i] != 0) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("{}: {} = {} is not a multiple of {} = {}", metadata.file().path(),
                              metadata.key("attention.head_count"), heads[i],
                              metadata.key("attention.head_count_kv"), kv_heads[i]));
    }
    LayerSpec layer;
    if (kv_heads[i] == 0) layer.mixer = Mixer::kNone;
    layer.heads = heads[i];
    layer.kv_heads = kv_heads[i];
    layer.key_dim = key_dim;
    layer.value_dim = value_dim;
    layer.ffn = ffn[i];
    spec.layers.push_back(layer);
  }
  return {};
}

Status read_rope_scaling(const Metadata& metadata, RopeSpec& rope, int64_t context) {
  CHASQUI_TRY(const std::string type, metadata.string_or("rope.scaling.type", ""));
  // Files from before "rope.scaling.*" say only a linear factor.
  CHASQUI_TRY(const double old_factor, metadata.double_or("rope.scale_linear", 0, 1e6, 0));
  CHASQUI_TRY(const double factor, metadata.double_or("rope.scaling.factor", 0, 1e6, old_factor));
  if (factor > 0) rope.factor = factor;
  if (type == "linear" || (type.empty() && factor > 0)) {
    rope.scaling = RopeScaling::kLinear;
  } else if (type == "yarn") {
    rope.scaling = RopeScaling::kYarn;
  } else if (!type.empty() && type != "none" && type != "longrope") {
    // LongRoPE is all in its tensors (RopeFactors::kByContext).
    return fail(ErrorCode::kUnsupported,
                fmt::format("{}: {} is \"{}\"; known are none, linear, yarn and longrope",
                            metadata.file().path(), metadata.key("rope.scaling.type"), type));
  }
  CHASQUI_TRY(rope.original_context,
              metadata.int_or("rope.scaling.original_context_length", kContext, context));
  CHASQUI_TRY(rope.attention_factor, metadata.double_or("rope.scaling.attn_factor", 0, 1e3, 1.0));
  CHASQUI_TRY(rope.yarn_beta_fast, metadata.double_or("rope.scaling.yarn_beta_fast", 0, 1e6, 32.0));
  CHASQUI_TRY(rope.yarn_beta_slow, metadata.double_or("rope.scaling.yarn_beta_slow", 0, 1e6, 1.0));
  CHASQUI_TRY(rope.yarn_extrapolation,
              metadata.double_or("rope.scaling.yarn_ext_factor", 0, 1, 1.0));
  return {};
}

Status read_rope(const Metadata& metadata, backend::RopeKind kind, ModelSpec& spec) {
  RopeSpec rope;
  rope.kind = kind;
  const int64_t key_dim = spec.layers.front().key_dim;
  CHASQUI_TRY(rope.rotated, metadata.int_or("rope.dimension_count", kHeadDim, key_dim));
  if (rope.rotated % 2 != 0 || rope.rotated > key_dim) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: {} is {}; allowed are even numbers up to the key length {}",
                            metadata.file().path(), metadata.key("rope.dimension_count"),
                            rope.rotated, key_dim));
  }
  CHASQUI_TRY(rope.base, metadata.double_or("rope.freq_base", 1e-3, 1e12, 10000.0));
  CHASQUI_TRY_STATUS(read_rope_scaling(metadata, rope, spec.context_length));
  if (metadata.file().find_tensor("rope_freqs.weight") != nullptr) {
    rope.factors = RopeFactors::kAlways;
  }
  spec.ropes.push_back(rope);
  return {};
}

Status read_experts(const Metadata& metadata, ModelSpec& spec) {
  CHASQUI_TRY(spec.experts.count, metadata.int_or("expert_count", kExperts, 0));
  if (spec.experts.count == 0) return {};
  CHASQUI_TRY(spec.experts.used,
              metadata.require_int("expert_used_count", {1, spec.experts.count}));
  for (LayerSpec& layer : spec.layers) layer.experts = true;
  return {};
}

// The number of rows of the embedding table counts; a file without it is caught by the loader.
Result<int64_t> read_vocab_size(const Metadata& metadata) {
  const gguf::Tensor* table = metadata.file().find_tensor("token_embd.weight");
  const int64_t rows = table != nullptr ? table->view.rows() : 0;
  CHASQUI_TRY(const int64_t claimed, metadata.int_or("vocab_size", kVocab, rows));
  const int64_t vocab = rows != 0 ? rows : claimed;
  if (vocab < kVocab.min || vocab > kVocab.max) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: a vocabulary of {} tokens; allowed are {} to {}",
                            metadata.file().path(), vocab, kVocab.min, kVocab.max));
  }
  return vocab;
}

}  // namespace

Result<ModelSpec> read_common_spec(const Metadata& metadata, backend::RopeKind rope) {
  ModelSpec spec;
  spec.architecture = metadata.architecture();
  CHASQUI_TRY(const auto name, metadata.file().get_string("general.name"));
  spec.name = std::string(name.value_or(""));
  CHASQUI_TRY(spec.vocab, read_vocab_size(metadata));
  CHASQUI_TRY(spec.hidden, metadata.require_int("embedding_length", kWidth));
  CHASQUI_TRY(spec.context_length, metadata.require_int("context_length", kContext));
  CHASQUI_TRY(const int64_t layers, metadata.require_int("block_count", kLayers));
  CHASQUI_TRY_STATUS(read_heads(metadata, spec, layers));
  // The last layers may only guess tokens ahead; they take no part in the answer.
  CHASQUI_TRY(const int64_t guessing, metadata.int_or("nextn_predict_layers", {0, layers - 1}, 0));
  spec.layers.resize(static_cast<size_t>(layers - guessing));
  CHASQUI_TRY_STATUS(read_rope(metadata, rope, spec));
  CHASQUI_TRY_STATUS(read_experts(metadata, spec));
  CHASQUI_TRY(const int64_t pooling, metadata.int_or("pooling_type", {-1, 4}, -1));
  spec.pooling = static_cast<Pooling>(pooling);
  CHASQUI_TRY(const double scale, metadata.double_or("attention.scale", 0, 1e3, 0));
  spec.attention_scale = static_cast<float>(scale);
  return spec;
}

Status read_rms_norm(const Metadata& metadata, ModelSpec& spec) {
  CHASQUI_TRY(const double eps, metadata.double_or("attention.layer_norm_rms_epsilon", 0, 1, 1e-5));
  spec.norm = backend::NormKind::kRms;
  spec.norm_eps = static_cast<float>(eps);
  return {};
}

Status read_layer_norm(const Metadata& metadata, ModelSpec& spec) {
  CHASQUI_TRY(const double eps, metadata.double_or("attention.layer_norm_epsilon", 0, 1, 1e-5));
  spec.norm = backend::NormKind::kLayer;
  spec.norm_eps = static_cast<float>(eps);
  return {};
}

Status read_expert_details(const Metadata& metadata, ModelSpec& spec) {
  if (spec.experts.count == 0) return {};
  ExpertSpec& experts = spec.experts;
  CHASQUI_TRY(const int64_t gate, metadata.int_or("expert_gating_func", {0, 3}, 0));
  if (gate == 1) experts.gate = backend::ExpertGate::kSoftmax;
  if (gate == 2) experts.gate = backend::ExpertGate::kSigmoid;
  if (gate == 3) experts.gate = backend::ExpertGate::kSoftmaxOfChosen;
  CHASQUI_TRY(experts.normalize, metadata.bool_or("expert_weights_norm", experts.normalize));
  CHASQUI_TRY(experts.scale, read_factor(metadata, "expert_weights_scale", experts.scale));
  CHASQUI_TRY(experts.groups, metadata.int_or("expert_group_count", {0, experts.count}, 1));
  experts.groups = std::max<int64_t>(experts.groups, 1);
  CHASQUI_TRY(experts.groups_used,
              metadata.int_or("expert_group_used_count", {0, experts.groups}, 1));
  experts.groups_used = std::max<int64_t>(experts.groups_used, 1);
  if (experts.count % experts.groups != 0 ||
      experts.used > experts.count / experts.groups * experts.groups_used) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: {} experts in {} groups, {} of {} groups used: that does not fit",
                            metadata.file().path(), experts.count, experts.groups, experts.used,
                            experts.groups_used));
  }

  const auto layers = static_cast<int64_t>(spec.layers.size());
  CHASQUI_TRY(const int64_t dense, metadata.int_or("leading_dense_block_count", {0, layers}, 0));
  const int64_t usual = spec.layers.front().ffn;
  CHASQUI_TRY(const int64_t width, metadata.int_or("expert_feed_forward_length", kWidth, usual));
  CHASQUI_TRY(const int64_t shared, metadata.int_or("expert_shared_count", kExperts, 0));
  CHASQUI_TRY(const int64_t shared_width,
              metadata.int_or("expert_shared_feed_forward_length", kSharedWidth, shared * width));
  for (size_t i = 0; i < spec.layers.size(); ++i) {
    LayerSpec& layer = spec.layers[i];
    layer.experts = static_cast<int64_t>(i) >= dense;
    if (!layer.experts) continue;
    layer.ffn = width;
    layer.shared_ffn = shared_width;
  }
  return {};
}

void use_expert_step(ModelSpec& spec, int64_t step, int64_t dense_ffn) {
  for (size_t i = 0; i < spec.layers.size(); ++i) {
    if ((static_cast<int64_t>(i) + 1) % step == 0) continue;
    LayerSpec& layer = spec.layers[i];
    layer.experts = false;
    layer.ffn = dense_ffn;
    layer.shared_ffn = 0;
  }
}

void use_window(ModelSpec& spec, int64_t window, const LayerFlags& is_windowed) {
  if (window == 0) return;
  const bool all = std::ranges::all_of(is_windowed, [](bool flag) { return flag; });
  spec.cache_windows = all ? std::vector<int64_t>{window} : std::vector<int64_t>{0, window};
  for (size_t i = 0; i < spec.layers.size(); ++i) {
    if (!is_windowed[i]) continue;
    spec.layers[i].window = window;
    spec.layers[i].cache_group = all ? 0 : 1;
  }
}

void use_symmetric_window(ModelSpec& spec, int64_t window, const LayerFlags& is_windowed) {
  for (size_t i = 0; i < spec.layers.size(); ++i) {
    if (window > 0 && is_windowed[i]) spec.layers[i].window = window / 2 + 1;
  }
}

LayerFlags all_but_each(int64_t period, size_t layers) {
  LayerFlags flags;
  for (size_t i = 0; i < layers; ++i) {
    flags.push_back(static_cast<int64_t>(i) % period != period - 1);
  }
  return flags;
}

Result<int64_t> read_window(const Metadata& metadata) {
  return metadata.int_or("attention.sliding_window", kContextOrNone, 0);
}

Result<LayerFlags> read_window_pattern(const Metadata& metadata, size_t layers, int64_t period) {
  constexpr std::string_view kKey = "attention.sliding_window_pattern";
  CHASQUI_TRY(const auto flags, metadata.flags_per_layer(kKey, static_cast<int64_t>(layers)));
  if (flags) return *flags;
  CHASQUI_TRY(const int64_t length, metadata.int_or(kKey, {1, kLayers.max}, period));
  return all_but_each(length, layers);
}

void use_window_rope(ModelSpec& spec, double base, const LayerFlags& is_windowed) {
  RopeSpec rope = spec.ropes.front();
  rope.base = base;
  rope.scaling = RopeScaling::kNone;
  rope.attention_factor = 1.0;
  rope.factors = RopeFactors::kNone;
  rope.overridable = false;
  const auto index = static_cast<int>(spec.ropes.size());
  spec.ropes.push_back(rope);
  for (size_t i = 0; i < spec.layers.size(); ++i) {
    if (is_windowed[i]) spec.layers[i].rope = index;
  }
}

void use_states(ModelSpec& spec, Mixer mixer, int64_t floats, const LayerFlags& is_recurrent) {
  // A file may say that all layers are attention.
  if (std::ranges::none_of(is_recurrent, [](bool flag) { return flag; })) return;
  spec.state_group = static_cast<int>(spec.cache_windows.size());
  spec.cache_windows.push_back(0);
  for (size_t i = 0; i < spec.layers.size(); ++i) {
    if (!is_recurrent[i]) continue;
    LayerSpec& layer = spec.layers[i];
    layer.mixer = mixer;
    layer.heads = layer.kv_heads = 0;
    layer.rope = -1;
    layer.cache_group = spec.state_group;
    layer.state_floats = floats;
  }
}

Status check_equal_head_dims(const Metadata& metadata, const ModelSpec& spec) {
  const LayerSpec& layer = spec.layers.front();
  if (layer.key_dim == layer.value_dim) return {};
  return fail(
      ErrorCode::kInvalidArgument,
      fmt::format("{}: {} is {} and {} is {}; {} models have heads of one size",
                  metadata.file().path(), metadata.key("attention.key_length"), layer.key_dim,
                  metadata.key("attention.value_length"), layer.value_dim, spec.architecture));
}

Result<float> read_factor(const Metadata& metadata, std::string_view name, float fallback) {
  CHASQUI_TRY(const double value, metadata.double_or(name, 0, 1e6, 0));
  return value > 0 ? static_cast<float>(value) : fallback;
}

}  // namespace chasqui::model
