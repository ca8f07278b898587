#include "model/arch/latent.h"

#include <fmt/format.h>

#include <cmath>

namespace chasqui::model {
namespace {

constexpr IntRange kRank{1, 1 << 16};
constexpr IntRange kSizeOrNone{0, 1 << 16};

// The lengths of the cache's rows, as files with split matrices say them.
bool says_cache(const ModelSpec& spec, int64_t rotated) {
  for (const LayerSpec& layer : spec.layers) {
    if (layer.key_dim != spec.latent.rank + rotated || layer.value_dim != spec.latent.rank ||
        layer.kv_heads != 1) {
      return false;
    }
  }
  return true;
}

}  // namespace

Status read_latent(const Metadata& metadata, ModelSpec& spec) {
  LatentSpec& latent = spec.latent;
  CHASQUI_TRY(latent.query_rank, metadata.int_or("attention.q_lora_rank", kSizeOrNone, 0));
  CHASQUI_TRY(latent.rank, metadata.require_int("attention.kv_lora_rank", kRank));
  CHASQUI_TRY(latent.key_dim, metadata.int_or("attention.key_length_mla", kSizeOrNone, 0));
  CHASQUI_TRY(latent.value_dim, metadata.int_or("attention.value_length_mla", kSizeOrNone, 0));
  const int64_t rotated = spec.ropes.front().rotated;
  const bool split = latent.key_dim > 0 && latent.value_dim > 0;
  if (!split) {
    latent.key_dim = spec.layers.front().key_dim;
    latent.value_dim = spec.layers.front().value_dim;
  }
  if ((split && !says_cache(spec, rotated)) || latent.key_dim <= rotated) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: the lengths of keys and values do not fit {} = {} and {} = {}",
                            metadata.file().path(), metadata.key("attention.kv_lora_rank"),
                            latent.rank, metadata.key("rope.dimension_count"), rotated));
  }
  for (LayerSpec& layer : spec.layers) {
    layer.mixer = Mixer::kLatentAttention;
    layer.kv_heads = 1;
    layer.key_dim = latent.rank + rotated;
    layer.value_dim = latent.rank;
  }
  spec.attention_scale = 1.0f / std::sqrt(static_cast<float>(latent.key_dim));
  return {};
}

}  // namespace chasqui::model
