// The llama family: Llama 1 to 3, Mistral, Mixtral, TinyLlama, Yi, SmolLM and the many models that
// are converted under this name. Optional biases, linear and YaRN rope scaling, rope frequency
// factors (Llama 3.1), mixture of experts.
// A sliding_window key is ignored, as these models were trained without a window.

#include <array>

#include "model/arch/architecture.h"

namespace chasqui::model {
namespace {

Result<ModelSpec> read_spec(const Metadata& metadata) {
  CHASQUI_TRY(ModelSpec spec, read_common_spec(metadata));
  CHASQUI_TRY(const double eps, metadata.double_or("attention.layer_norm_rms_epsilon", 0, 1, 1e-5));
  spec.norm = backend::NormKind::kRms;
  spec.norm_eps = static_cast<float>(eps);
  spec.ropes.front().kind = backend::RopeKind::kNorm;
  spec.experts.gate = backend::ExpertGate::kSoftmax;
  spec.experts.normalize = true;
  CHASQUI_TRY(const double scale, metadata.double_or("expert_weights_scale", 0, 1e3, 0));
  if (scale > 0) spec.experts.scale = static_cast<float>(scale);
  return spec;
}

constexpr std::array kTensors = {
    kTokenEmbedding,
    kOutputNorm,
    kOutput,
    kRopeFactors,
    kAttentionNorm,
    kQuery,
    kKey,
    kValue,
    kAttentionOutput,
    kQueryBias,
    kKeyBias,
    kValueBias,
    kAttentionOutputBias,
    kFfnNorm,
    kFfnGate,
    kFfnUp,
    kFfnDown,
    kFfnGateBias,
    kFfnUpBias,
    kFfnDownBias,
    kRouter,
    kExpertsGate,
    kExpertsUp,
    kExpertsDown,
};

}  // namespace

const Architecture& llama_architecture() {
  static const Architecture architecture{"llama", read_spec, kTensors};
  return architecture;
}

}  // namespace chasqui::model
