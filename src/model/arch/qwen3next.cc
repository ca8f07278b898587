// Qwen3-Next and Qwen3.5, dense and with experts: of four layers three are gated delta nets and one
// is attention, with a gate on each head's result and a rope on a part of the head. Text only: the
// sections of the rope then all stand at the same position, which makes it an ordinary one.
#include <fmt/format.h>

#include "model/arch/common_spec.h"
#include "model/arch/list.h"
#include "model/internal/common_tensors.h"

namespace chasqui::model {
namespace {

using backend::KeySharing;
using backend::RopeKind;

constexpr IntRange kHeads{1, 4096};
constexpr IntRange kWidth{1, 1 << 20};

Status read_delta_net(const Metadata& metadata, ModelSpec& spec) {
  DeltaNetSpec& net = spec.delta_net;
  CHASQUI_TRY(spec.conv_taps, metadata.require_int("ssm.conv_kernel", {1, backend::kMaxConvTaps}));
  CHASQUI_TRY(net.key_dim, metadata.require_int("ssm.state_size", {1, backend::kMaxDeltaKeyDim}));
  CHASQUI_TRY(net.key_heads, metadata.require_int("ssm.group_count", kHeads));
  CHASQUI_TRY(net.value_heads, metadata.require_int("ssm.time_step_rank", kHeads));
  CHASQUI_TRY(const int64_t inner, metadata.require_int("ssm.inner_size", kWidth));
  if (inner % net.value_heads != 0 || net.value_heads % net.key_heads != 0) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: {} = {} key heads, {} = {} value heads and {} = {} do not fit "
                            "together",
                            metadata.file().path(), metadata.key("ssm.group_count"), net.key_heads,
                            metadata.key("ssm.time_step_rank"), net.value_heads,
                            metadata.key("ssm.inner_size"), inner));
  }
  net.value_dim = inner / net.value_heads;
  return {};
}

Result<LayerFlags> read_recurrent_layers(const Metadata& metadata, size_t layers) {
  CHASQUI_TRY(const auto flags,
              metadata.flags_per_layer("attention.recurrent_layers", static_cast<int64_t>(layers)));
  if (flags) return *flags;
  CHASQUI_TRY(const int64_t period, metadata.int_or("full_attention_interval", {1, 1024}, 4));
  return all_but_each(period, layers);
}

Result<ModelSpec> read_spec(const Metadata& metadata, KeySharing sharing) {
  CHASQUI_TRY(ModelSpec spec, read_common_spec(metadata, RopeKind::kNeox));
  CHASQUI_TRY_STATUS(read_rms_norm(metadata, spec));
  CHASQUI_TRY_STATUS(read_expert_details(metadata, spec));
  CHASQUI_TRY_STATUS(read_delta_net(metadata, spec));
  const DeltaNetSpec& net = spec.delta_net;
  spec.delta_net.sharing = sharing;
  spec.query_gate = true;
  CHASQUI_TRY_STATUS(check_equal_head_dims(metadata, spec));
  CHASQUI_TRY(const LayerFlags recurrent, read_recurrent_layers(metadata, spec.layers.size()));
  const int64_t floats =
      (spec.conv_taps - 1) * net.qkv_width() + net.value_heads * net.key_dim * net.value_dim;
  use_states(spec, Mixer::kDeltaNet, floats, recurrent);
  return spec;
}

Result<ModelSpec> read_qwen3next(const Metadata& metadata) {
  return read_spec(metadata, KeySharing::kGrouped);
}
Result<ModelSpec> read_qwen35(const Metadata& metadata) {
  return read_spec(metadata, KeySharing::kTiled);
}

constexpr Need kRecurrent = Need::kDeltaNetLayers;

constexpr std::array kGatedAttention = {
    matrix_rule(Slot::kQuery, "blk.{}.attn_q.weight", Dim::kHidden, Dim::kQueryAndGate,
                Need::kAttentionLayers),
    matrix_rule(Slot::kKey, "blk.{}.attn_k.weight", Dim::kHidden, Dim::kK, Need::kAttentionLayers),
    matrix_rule(Slot::kValue, "blk.{}.attn_v.weight", Dim::kHidden, Dim::kV,
                Need::kAttentionLayers),
    with_need(kQueryNorm, Need::kAttentionLayers),
    with_need(kKeyNorm, Need::kAttentionLayers),
    with_need(kAttentionOutput, Need::kAttentionLayers),
};

constexpr TensorRule conv_taps() {
  TensorRule rule = vectors_rule(Slot::kConvTaps, "blk.{}.ssm_conv1d.weight", Dim::kConvTaps,
                                 Dim::kDeltaQkv, kRecurrent);
  rule.transposed = true;
  return rule;
}
constexpr std::array kDeltaNet = {
    matrix_rule(Slot::kDeltaQkv, kQkvName, Dim::kHidden, Dim::kDeltaQkv, kRecurrent),
    matrix_rule(Slot::kDeltaGate, "blk.{}.attn_gate.weight", Dim::kHidden, Dim::kDeltaValues,
                kRecurrent),
    conv_taps(),
    vector_rule(Slot::kDeltaDtBias, "blk.{}.ssm_dt.bias", Dim::kDeltaHeads, kRecurrent),
    vector_rule(Slot::kDeltaDecay, "blk.{}.ssm_a", Dim::kDeltaHeads, kRecurrent),
    vector_rule(Slot::kDeltaNorm, "blk.{}.ssm_norm.weight", Dim::kDeltaValueDim, kRecurrent),
    matrix_rule(Slot::kDeltaOutput, "blk.{}.ssm_out.weight", Dim::kDeltaValues, Dim::kHidden,
                kRecurrent),
};
constexpr TensorRule kOneGateMatrix = matrix_rule(Slot::kDeltaBetaAlpha, "blk.{}.ssm_ba.weight",
                                                  Dim::kHidden, Dim::kTwiceDeltaHeads, kRecurrent);
constexpr std::array kTwoGateMatrices = {
    matrix_rule(Slot::kDeltaBeta, "blk.{}.ssm_beta.weight", Dim::kHidden, Dim::kDeltaHeads,
                kRecurrent),
    matrix_rule(Slot::kDeltaAlpha, "blk.{}.ssm_alpha.weight", Dim::kHidden, Dim::kDeltaHeads,
                kRecurrent),
};

constexpr auto kCommon =
    join(kEmbeddingTensors, kAttentionNorm, kGatedAttention, kDeltaNet, kFfnNormAsPost);
constexpr auto kExperts = join(kExpertTensors, kSharedExpertTensors, kSharedRouter);
constexpr auto kQwen3NextTensors = join(kCommon, kOneGateMatrix, kExperts);
constexpr auto kQwen35Tensors = join(kCommon, kTwoGateMatrices, kGatedFfnTensors);
constexpr auto kQwen35MoeTensors = join(kCommon, kTwoGateMatrices, kExperts);

}  // namespace

constinit const Architecture kQwen3Next = {"qwen3next", read_qwen3next, kQwen3NextTensors};
constinit const Architecture kQwen35 = {"qwen35", read_qwen35, kQwen35Tensors};
constinit const Architecture kQwen35Moe = {"qwen35moe", read_qwen35, kQwen35MoeTensors};

}  // namespace chasqui::model
