// LFM2: gated short convolutions, and attention in the layers that have key-value heads.
#include "model/arch/common_spec.h"
#include "model/arch/list.h"
#include "model/internal/common_tensors.h"

namespace chasqui::model {
namespace {

using backend::RopeKind;

Result<ModelSpec> read_spec(const Metadata& metadata) {
  CHASQUI_TRY(ModelSpec spec, read_common_spec(metadata, RopeKind::kNeox));
  CHASQUI_TRY_STATUS(read_rms_norm(metadata, spec));
  CHASQUI_TRY(spec.conv_taps,
              metadata.require_int("shortconv.l_cache", {2, backend::kMaxConvTaps}));
  LayerFlags recurrent;
  for (const LayerSpec& layer : spec.layers) recurrent.push_back(layer.mixer == Mixer::kNone);
  use_states(spec, Mixer::kShortConv, (spec.conv_taps - 1) * spec.hidden, recurrent);
  return spec;
}

constexpr Need kRecurrent = Need::kShortConvLayers;

constexpr TensorRule conv_taps() {
  TensorRule rule = vectors_rule(Slot::kConvTaps, "blk.{}.shortconv.conv.weight", Dim::kConvTaps,
                                 Dim::kHidden, kRecurrent);
  rule.transposed = true;
  return rule;
}
constexpr std::array kShortConv = {
    conv_taps(),
    matrix_rule(Slot::kShortConvIn, "blk.{}.shortconv.in_proj.weight", Dim::kHidden,
                Dim::kThriceHidden, kRecurrent),
    matrix_rule(Slot::kShortConvOut, "blk.{}.shortconv.out_proj.weight", Dim::kHidden, Dim::kHidden,
                kRecurrent),
};
constexpr std::array kAttention = {
    with_need(kQuery, Need::kAttentionLayers),
    with_need(kKey, Need::kAttentionLayers),
    with_need(kValue, Need::kAttentionLayers),
    with_need(kQueryNorm, Need::kAttentionLayers),
    with_need(kKeyNorm, Need::kAttentionLayers),
    with_need(kAttentionOutput, Need::kAttentionLayers),
};
// The converter calls the norm before the output the norm of the embedding.
constexpr TensorRule kLastNorm = named(kOutputNorm, "token_embd_norm.weight");

constexpr auto kTensors = join(kTokenEmbedding, kOutput, kLastNorm, kAttentionNorm, kAttention,
                               kShortConv, kFfnNorm, kGatedFfnTensors);

}  // namespace

constinit const Architecture kLfm2 = {"lfm2", read_spec, kTensors};

}  // namespace chasqui::model
