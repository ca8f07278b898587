#include <fmt/format.h>

#include "model/arch/architecture.h"

namespace chasqui::model {
namespace {

// Larger than any published model by an order of magnitude, small enough that a product of two
// sizes and a layer count stays far below 2^63.
constexpr IntRange kLayers{1, 1024};
constexpr IntRange kWidth{1, 1 << 20};
constexpr IntRange kHeads{1, 4096};
constexpr IntRange kHeadDim{1, 1 << 16};
constexpr IntRange kVocab{1, 1 << 24};
constexpr IntRange kContext{1, int64_t{1} << 32};
constexpr IntRange kExperts{0, 4096};

Status read_heads(const Metadata& metadata, ModelSpec& spec, int64_t layers) {
  CHASQUI_TRY(const auto heads, metadata.per_layer("attention.head_count", kHeads, layers, {}));
  CHASQUI_TRY(const auto kv_heads,
              metadata.per_layer("attention.head_count_kv", kHeads, layers, heads.front()));
  CHASQUI_TRY(const auto ffn, metadata.per_layer("feed_forward_length", kWidth, layers, {}));
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
    if (heads[i] % kv_heads[i] != 0) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("{}: {} = {} is not a multiple of {} = {}", metadata.file().path(),
                              metadata.key("attention.head_count"), heads[i],
                              metadata.key("attention.head_count_kv"), kv_heads[i]));
    }
    LayerSpec layer;
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
  } else if (!type.empty() && type != "none") {
    return fail(ErrorCode::kUnsupported,
                fmt::format("{}: {} is \"{}\"; known are none, linear and yarn",
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

Status read_rope(const Metadata& metadata, ModelSpec& spec) {
  RopeSpec rope;
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
  rope.uses_factors_tensor = metadata.file().find_tensor("rope_freqs.weight") != nullptr;
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

Result<ModelSpec> read_common_spec(const Metadata& metadata) {
  ModelSpec spec;
  spec.architecture = metadata.architecture();
  CHASQUI_TRY(const auto name, metadata.file().get_string("general.name"));
  spec.name = std::string(name.value_or(""));
  CHASQUI_TRY(spec.vocab, read_vocab_size(metadata));
  CHASQUI_TRY(spec.hidden, metadata.require_int("embedding_length", kWidth));
  CHASQUI_TRY(spec.context_length, metadata.require_int("context_length", kContext));
  CHASQUI_TRY(const int64_t layers, metadata.require_int("block_count", kLayers));
  CHASQUI_TRY_STATUS(read_heads(metadata, spec, layers));
  CHASQUI_TRY_STATUS(read_rope(metadata, spec));
  CHASQUI_TRY_STATUS(read_experts(metadata, spec));
  CHASQUI_TRY(const double scale, metadata.double_or("attention.scale", 0, 1e3, 0));
  spec.attention_scale = static_cast<float>(scale);
  return spec;
}

}  // namespace chasqui::model
