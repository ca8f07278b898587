// Qwen 1.5 to 2.5, and their mixtures of experts, whose shared expert has a gate.
#include "model/arch/common_spec.h"
#include "model/arch/list.h"
#include "model/internal/common_tensors.h"

namespace chasqui::model {
namespace {

using backend::RopeKind;

Result<ModelSpec> read_spec(const Metadata& metadata) {
  CHASQUI_TRY(ModelSpec spec, read_common_spec(metadata, RopeKind::kNeox));
  CHASQUI_TRY_STATUS(read_rms_norm(metadata, spec));
  spec.experts.normalize = false;
  CHASQUI_TRY_STATUS(read_expert_details(metadata, spec));
  return spec;
}

constexpr auto kTensors = join(kEmbeddingTensors, kOutputBias, kAttentionNorm, kAttentionTensors,
                               kFfnNorm, kGatedFfnTensors);
constexpr auto kMoeTensors = join(kEmbeddingTensors, kAttentionNorm, kAttentionTensors, kFfnNorm,
                                  kExpertTensors, kSharedExpertTensors, kSharedRouter);

}  // namespace

constinit const Architecture kQwen2 = {"qwen2", read_spec, kTensors};
constinit const Architecture kQwen2Moe = {"qwen2moe", read_spec, kMoeTensors};

}  // namespace chasqui::model
