// The llama family: Llama 1 to 3, Mistral, Mixtral, TinyLlama, Yi, SmolLM and the many models that
// are converted under this name. Optional biases, linear and YaRN rope scaling, rope frequency
// factors (Llama 3.1), mixture of experts. InternLM 2, XVERSE and Baichuan 7B are the same under
// names of their own, EXAONE 3 too but for the rope's pairs; Arcee has no gate. A sliding_window
// key is ignored, as these models were trained without a window.
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

Result<ModelSpec> read_baichuan(const Metadata& metadata) {
  CHASQUI_TRY(ModelSpec spec, read_spec(metadata));
  // Files do not say what position encoding they have; the 13B models have 40 layers.
  if (spec.layers.size() == 40) {
    return fail(ErrorCode::kUnsupported, metadata.file().path() +
                                             ": Baichuan 13B positions its tokens by ALiBi, which "
                                             "is not supported; the 7B models run");
  }
  return spec;
}

Result<ModelSpec> read_exaone(const Metadata& metadata) {
  CHASQUI_TRY(ModelSpec spec, read_common_spec(metadata, RopeKind::kNeox));
  CHASQUI_TRY_STATUS(read_rms_norm(metadata, spec));
  return spec;
}

Result<ModelSpec> read_arcee(const Metadata& metadata) {
  CHASQUI_TRY(ModelSpec spec, read_spec(metadata));
  spec.activation = backend::Activation::kReluSquared;
  return spec;
}

constexpr auto kTensors = join(kEmbeddingTensors, kRopeFactors, kAttentionNorm, kAttentionTensors,
                               kFfnNorm, kGatedFfnTensors, kExpertTensors);

constexpr auto kPlainTensors = join(kEmbeddingTensors, kRopeFactors, kAttentionNorm,
                                    kAttentionTensors, kFfnNorm, kPlainFfnTensors);

}  // namespace

constinit const Architecture kLlama = {"llama", read_spec, kTensors};
constinit const Architecture kInternlm2 = {"internlm2", read_spec, kTensors};
constinit const Architecture kXverse = {"xverse", read_spec, kTensors};
constinit const Architecture kBaichuan = {"baichuan", read_baichuan, kTensors};
constinit const Architecture kExaone = {"exaone", read_exaone, kTensors};
constinit const Architecture kArcee = {"arcee", read_arcee, kPlainTensors};

}  // namespace chasqui::model
