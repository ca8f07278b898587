// Granite 3 and its mixtures of experts: the llama family with factors on embeddings, residuals,
// attention and logits.
#include "model/arch/common_spec.h"
#include "model/arch/list.h"
#include "model/internal/common_tensors.h"

namespace chasqui::model {
namespace {

using backend::RopeKind;

Result<ModelSpec> read_spec(const Metadata& metadata) {
  CHASQUI_TRY(ModelSpec spec, read_common_spec(metadata, RopeKind::kNorm));
  CHASQUI_TRY_STATUS(read_rms_norm(metadata, spec));
  CHASQUI_TRY(spec.embedding_scale, read_factor(metadata, "embedding_scale", 1));
  CHASQUI_TRY(spec.residual_scale, read_factor(metadata, "residual_scale", 1));
  CHASQUI_TRY(const float divisor, read_factor(metadata, "logit_scale", 1));
  spec.logit_scale = 1 / divisor;
  CHASQUI_TRY_STATUS(read_expert_details(metadata, spec));
  return spec;
}

constexpr auto kTensors = join(kEmbeddingTensors, kRopeFactors, kAttentionNorm, kAttentionTensors,
                               kFfnNorm, kGatedFfnTensors);
constexpr auto kMoeTensors =
    join(kEmbeddingTensors, kRopeFactors, kAttentionNorm, kAttentionTensors, kFfnNorm,
         kExpertTensors, kSharedExpertTensors);

}  // namespace

constinit const Architecture kGranite = {"granite", read_spec, kTensors};
constinit const Architecture kGraniteMoe = {"granitemoe", read_spec, kMoeTensors};

}  // namespace chasqui::model
