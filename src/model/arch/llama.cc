// The llama family: Llama 1 to 3, Mistral, Mixtral, TinyLlama, Yi, SmolLM and the many models that
// are converted under this name. Optional biases, linear and YaRN rope scaling, rope frequency
// factors (Llama 3.1), mixture of experts.
// A sliding_window key is ignored, as these models were trained without a window.
#include "model/arch/common_spec.h"
#include "model/arch/list.h"
#include "model/internal/common_tensors.h"

namespace chasqui::model {
namespace {

using backend::RopeKind;

Result<ModelSpec> read_spec(const Metadata& metadata) {
  CHASQUI_TRY(ModelSpec spec, read_common_spec(metadata, RopeKind::kNorm));
  CHASQUI_TRY_STATUS(read_rms_norm(metadata, spec));
  CHASQUI_TRY(spec.experts.scale, read_factor(metadata, "expert_weights_scale", 1.0f));
  return spec;
}

constexpr auto kTensors = join(kEmbeddingTensors, kRopeFactors, kAttentionNorm, kAttentionTensors,
                               kFfnNorm, kGatedFfnTensors, kExpertTensors);

}  // namespace

constinit const Architecture kLlama = {"llama", read_spec, kTensors};

}  // namespace chasqui::model
