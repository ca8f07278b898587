// Trinity (afmoe): norms around both blocks, a gate on what attention answers, windows with rope in
// three layers of four, experts behind some dense layers. K-EXAONE (exaone-moe): the same windows,
// without the rest.
#include <cmath>

#include "model/arch/common_spec.h"
#include "model/arch/list.h"
#include "model/internal/common_tensors.h"

namespace chasqui::model {
namespace {

using backend::RopeKind;

// Only windowed layers are rotated.
Result<ModelSpec> read_exaone_moe(const Metadata& metadata) {
  CHASQUI_TRY(ModelSpec spec, read_common_spec(metadata, RopeKind::kNeox));
  CHASQUI_TRY_STATUS(read_rms_norm(metadata, spec));
  CHASQUI_TRY(const int64_t window, read_window(metadata));
  CHASQUI_TRY(const auto windowed, read_window_pattern(metadata, spec.layers.size(), 4));
  use_window(spec, window, windowed);
  for (size_t i = 0; i < windowed.size(); ++i) {
    if (!windowed[i]) spec.layers[i].rope = -1;
  }
  spec.experts.gate = backend::ExpertGate::kSigmoid;
  spec.experts.normalize = false;
  CHASQUI_TRY_STATUS(read_expert_details(metadata, spec));
  return spec;
}

Result<ModelSpec> read_afmoe(const Metadata& metadata) {
  CHASQUI_TRY(ModelSpec spec, read_exaone_moe(metadata));
  spec.embedding_scale = std::sqrt(static_cast<float>(spec.hidden));
  return spec;
}

constexpr auto kTensors = join(kEmbeddingTensors, kRopeFactors, kAttentionNorm, kAttentionTensors,
                               kQkNormTensors, kFfnNorm, kFfnGate, kFfnUp, kFfnDown, kExpertTensors,
                               kSelectionBias, kSharedExpertTensors);
constexpr auto kAfmoeTensors = join(
    kTensors, kPostAttentionNorm, kPostFfnNorm,
    matrix_rule(Slot::kAttentionGate, "blk.{}.attn_gate.weight", Dim::kHidden, Dim::kAttention));

}  // namespace

constinit const Architecture kAfmoe = {"afmoe", read_afmoe, kAfmoeTensors};
constinit const Architecture kExaoneMoe = {"exaone-moe", read_exaone_moe, kTensors};

}  // namespace chasqui::model
