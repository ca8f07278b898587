// MiniMax M2: experts chosen by biased sigmoids, queries and keys normalised as whole rows, a part
// of each head rotated.
#include "model/arch/common_spec.h"
#include "model/arch/list.h"
#include "model/internal/common_tensors.h"

namespace chasqui::model {
namespace {

using backend::RopeKind;

Result<ModelSpec> read_spec(const Metadata& metadata) {
  CHASQUI_TRY(ModelSpec spec, read_common_spec(metadata, RopeKind::kNeox));
  CHASQUI_TRY_STATUS(read_rms_norm(metadata, spec));
  spec.qk_norm = QkNorm::kWholeRow;
  CHASQUI_TRY_STATUS(read_expert_details(metadata, spec));
  return spec;
}

constexpr auto kTensors =
    join(kEmbeddingTensors, kAttentionNorm, kAttentionTensors, kRowNormTensors, kFfnNorm,
         kExpertTensors, with_need(kSelectionBias, Need::kExpertLayers));

}  // namespace

constinit const Architecture kMinimaxM2 = {"minimax-m2", read_spec, kTensors};

}  // namespace chasqui::model
