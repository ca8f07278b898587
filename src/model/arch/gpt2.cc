// GPT-2: learned positions instead of rope.
#include "model/arch/common_spec.h"
#include "model/arch/list.h"
#include "model/internal/common_tensors.h"

namespace chasqui::model {
namespace {

using backend::RopeKind;

Result<ModelSpec> read_spec(const Metadata& metadata) {
  CHASQUI_TRY(ModelSpec spec, read_common_spec(metadata, RopeKind::kNorm));
  CHASQUI_TRY_STATUS(read_layer_norm(metadata, spec));
  spec.activation = backend::Activation::kGeluTanh;
  spec.max_positions = spec.context_length;
  for (LayerSpec& layer : spec.layers) layer.rope = -1;
  return spec;
}

constexpr auto kTensors =
    join(kEmbeddingTensors, kOutputNormBias, kPositionEmbedding, kAttentionNorm, kAttentionNormBias,
         kAttentionTensors, kFfnNorm, kFfnNormBias, kPlainFfnTensors);

}  // namespace

constinit const Architecture kStarcoder = {"starcoder", read_spec, kTensors};
constinit const Architecture kGpt2 = {"gpt2", read_spec, kTensors};

}  // namespace chasqui::model
