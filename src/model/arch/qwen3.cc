// Qwen 3 and its mixtures of experts: queries and keys are normalised head by head.
#include "model/arch/common_spec.h"
#include "model/arch/list.h"
#include "model/internal/common_tensors.h"

namespace chasqui::model {
namespace {

using backend::RopeKind;

Result<ModelSpec> read_spec(const Metadata& metadata) {
  CHASQUI_TRY(ModelSpec spec, read_common_spec(metadata, RopeKind::kNeox));
  CHASQUI_TRY_STATUS(read_rms_norm(metadata, spec));
  CHASQUI_TRY_STATUS(read_expert_details(metadata, spec));
  return spec;
}

constexpr auto kTensors = join(kEmbeddingTensors, kAttentionNorm, kAttentionTensors, kQkNormTensors,
                               kFfnNorm, kGatedFfnTensors);
constexpr auto kMoeTensors = join(kEmbeddingTensors, kAttentionNorm, kAttentionTensors,
                                  kQkNormTensors, kFfnNorm, kExpertTensors);

}  // namespace

constinit const Architecture kQwen3 = {"qwen3", read_spec, kTensors};
constinit const Architecture kQwen3Moe = {"qwen3moe", read_spec, kMoeTensors};

}  // namespace chasqui::model
