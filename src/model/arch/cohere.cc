// Command R and R+ (command-r), Command R7B and A (cohere2): LayerNorm without biases, both blocks
// under one norm, a factor on the logits. cohere2 has windows, and rope in windowed layers only.
#include "model/arch/common_spec.h"
#include "model/arch/list.h"
#include "model/internal/common_tensors.h"

namespace chasqui::model {
namespace {

using backend::RopeKind;

Result<ModelSpec> read_command_r(const Metadata& metadata) {
  CHASQUI_TRY(ModelSpec spec, read_common_spec(metadata, RopeKind::kNorm));
  CHASQUI_TRY_STATUS(read_layer_norm(metadata, spec));
  CHASQUI_TRY(spec.logit_scale, read_factor(metadata, "logit_scale", 1));
  spec.parallel_blocks = true;
  spec.qk_norm = QkNorm::kPerColumn;
  return spec;
}

Result<ModelSpec> read_cohere2(const Metadata& metadata) {
  CHASQUI_TRY(ModelSpec spec, read_command_r(metadata));
  CHASQUI_TRY(const int64_t window, read_window(metadata));
  CHASQUI_TRY(const auto windowed, read_window_pattern(metadata, spec.layers.size(), 4));
  use_window(spec, window, windowed);
  for (size_t i = 0; i < windowed.size(); ++i) {
    if (!windowed[i]) spec.layers[i].rope = -1;
  }
  return spec;
}

// Of Command R+.
constexpr std::array kColumnNorms = {vectors_rule(Slot::kQueryNorm, "blk.{}.attn_q_norm.weight",
                                                  Dim::kKeyDim, Dim::kHeads, Need::kOptional),
                                     vectors_rule(Slot::kKeyNorm, "blk.{}.attn_k_norm.weight",
                                                  Dim::kKeyDim, Dim::kKvHeads, Need::kOptional)};
constexpr auto kTensors =
    join(kEmbeddingTensors, kAttentionNorm, kAttentionTensors, kColumnNorms, kGatedFfnTensors);

}  // namespace

constinit const Architecture kCommandR = {"command-r", read_command_r, kTensors};
constinit const Architecture kCohere2 = {"cohere2", read_cohere2, kTensors};

}  // namespace chasqui::model
