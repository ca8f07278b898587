// DeepSeek V2 to V3.1, Kimi K2, GigaChat 3: latent attention in its compressed form, experts behind
// some dense layers, groups of experts.
#include <cmath>

#include "model/arch/common_spec.h"
#include "model/arch/list.h"
#include "model/internal/common_tensors.h"
#include "model/internal/rope_tables.h"

namespace chasqui::model {
namespace {

using backend::RopeKind;

constexpr IntRange kRank{1, 1 << 16};

Status read_latent(const Metadata& metadata, ModelSpec& spec) {
  LatentSpec& latent = spec.latent;
  CHASQUI_TRY(latent.query_rank, metadata.int_or("attention.q_lora_rank", {0, 1 << 16}, 0));
  CHASQUI_TRY(latent.rank, metadata.require_int("attention.kv_lora_rank", kRank));
  CHASQUI_TRY(latent.key_dim, metadata.int_or("attention.key_length_mla", {0, 1 << 16}, 0));
  CHASQUI_TRY(latent.value_dim, metadata.int_or("attention.value_length_mla", {0, 1 << 16}, 0));
  const int64_t rotated = spec.ropes.front().rotated;
  if (latent.key_dim == 0 || latent.value_dim == 0) {
    return fail(ErrorCode::kUnsupported,
                metadata.file().path() + " has no key " + metadata.key("attention.key_length_mla") +
                    ": it was converted before attn_k_b and attn_v_b were tensors of their own; "
                    "convert the model again or fetch a newer file");
  }
  for (LayerSpec& layer : spec.layers) {
    if (layer.key_dim != latent.rank + rotated || layer.value_dim != latent.rank ||
        layer.kv_heads != 1 || latent.key_dim <= rotated) {
      return fail(ErrorCode::kInvalidArgument, metadata.file().path() +
                                                   ": the lengths of keys and values do not fit " +
                                                   metadata.key("attention.kv_lora_rank"));
    }
    layer.mixer = Mixer::kLatentAttention;
  }
  return {};
}

// YaRN is told by the multiplier alone; the rotated vectors keep their magnitude and all queries
// are scaled instead.
Status read_scale(const Metadata& metadata, ModelSpec& spec) {
  RopeSpec& rope = spec.ropes.front();
  // Files hold a tenth of the model's "mscale_all_dim".
  CHASQUI_TRY(const double tenth, metadata.double_or("rope.scaling.yarn_log_multiplier", 0, 10, 0));
  rope.yarn_mscale = rope.yarn_mscale_all = tenth * 10;
  const double magnitude =
      rope.scaling == RopeScaling::kYarn ? yarn_magnitude(rope, rope.yarn_mscale_all) : 1.0;
  spec.attention_scale = static_cast<float>(magnitude * magnitude /
                                            std::sqrt(static_cast<double>(spec.latent.key_dim)));
  return {};
}

Result<ModelSpec> read_spec(const Metadata& metadata) {
  CHASQUI_TRY(ModelSpec spec, read_common_spec(metadata, RopeKind::kNorm));
  CHASQUI_TRY_STATUS(read_rms_norm(metadata, spec));
  CHASQUI_TRY_STATUS(read_latent(metadata, spec));
  CHASQUI_TRY_STATUS(read_scale(metadata, spec));
  spec.experts.normalize = false;
  CHASQUI_TRY_STATUS(read_expert_details(metadata, spec));
  return spec;
}

constexpr std::string_view kDirectQuery = "blk.{}.attn_q.weight";
constexpr TensorRule unless_direct(TensorRule rule) {
  rule.unless = kDirectQuery;
  return rule;
}
constexpr TensorRule head_rule(Slot slot, std::string_view name, Dim in, Dim out) {
  return {slot, name, {in, out, Dim::kHeads}};
}
constexpr std::array kLatentTensors = {
    matrix_rule(Slot::kQuery, kDirectQuery, Dim::kHidden, Dim::kLatentQuery, Need::kOptional),
    unless_direct(
        matrix_rule(Slot::kQueryDown, "blk.{}.attn_q_a.weight", Dim::kHidden, Dim::kQueryRank)),
    unless_direct(
        vector_rule(Slot::kQueryDownNorm, "blk.{}.attn_q_a_norm.weight", Dim::kQueryRank)),
    unless_direct(
        matrix_rule(Slot::kQueryUp, "blk.{}.attn_q_b.weight", Dim::kQueryRank, Dim::kLatentQuery)),
    matrix_rule(Slot::kLatentDown, "blk.{}.attn_kv_a_mqa.weight", Dim::kHidden,
                Dim::kLatentAndRope),
    vector_rule(Slot::kLatentNorm, "blk.{}.attn_kv_a_norm.weight", Dim::kLatentRank),
    head_rule(Slot::kLatentKey, "blk.{}.attn_k_b.weight", Dim::kLatentPlainKey, Dim::kLatentRank),
    head_rule(Slot::kLatentValue, "blk.{}.attn_v_b.weight", Dim::kLatentRank, Dim::kLatentValue),
    matrix_rule(Slot::kAttentionOutput, "blk.{}.attn_output.weight", Dim::kLatentAttention,
                Dim::kHidden)};

constexpr auto kTensors =
    join(kEmbeddingTensors, kAttentionNorm, kLatentTensors, kFfnNorm, kFfnGate, kFfnUp, kFfnDown,
         kExpertTensors, kSelectionBias, kSharedExpertTensors);

}  // namespace

constinit const Architecture kDeepseek2 = {"deepseek2", read_spec, kTensors};

}  // namespace chasqui::model
