// DeepSeek MoE of 2024 (deepseek) and dots.llm1 (dots1): the llama family with experts behind some
// dense layers, and a feed-forward beside the experts.
#include "model/arch/common_spec.h"
#include "model/arch/list.h"
#include "model/internal/common_tensors.h"

namespace chasqui::model {
namespace {

using backend::RopeKind;

Result<ModelSpec> read_deepseek(const Metadata& metadata) {
  CHASQUI_TRY(ModelSpec spec, read_common_spec(metadata, RopeKind::kNorm));
  CHASQUI_TRY_STATUS(read_rms_norm(metadata, spec));
  spec.experts.normalize = false;
  CHASQUI_TRY_STATUS(read_expert_details(metadata, spec));
  return spec;
}

Result<ModelSpec> read_dots1(const Metadata& metadata) {
  CHASQUI_TRY(ModelSpec spec, read_common_spec(metadata, RopeKind::kNeox));
  CHASQUI_TRY_STATUS(read_rms_norm(metadata, spec));
  spec.experts.normalize = false;
  CHASQUI_TRY_STATUS(read_expert_details(metadata, spec));
  return spec;
}

constexpr auto kTensors =
    join(kEmbeddingTensors, kRopeFactors, kAttentionNorm, kAttentionTensors, kFfnNorm, kFfnGate,
         kFfnUp, kFfnDown, kExpertTensors, kSharedExpertTensors);
constexpr auto kDotsTensors = join(kTensors, kQkNormTensors, kSelectionBias);

}  // namespace

constinit const Architecture kDeepseek = {"deepseek", read_deepseek, kTensors};
constinit const Architecture kDots1 = {"dots1", read_dots1, kDotsTensors};

}  // namespace chasqui::model
