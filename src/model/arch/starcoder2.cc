// StarCoder 2: LayerNorm, biases, a feed-forward without gate.
#include "model/arch/common_spec.h"
#include "model/arch/list.h"
#include "model/internal/common_tensors.h"

namespace chasqui::model {
namespace {

using backend::RopeKind;

Result<ModelSpec> read_spec(const Metadata& metadata) {
  CHASQUI_TRY(ModelSpec spec, read_common_spec(metadata, RopeKind::kNeox));
  CHASQUI_TRY_STATUS(read_layer_norm(metadata, spec));
  spec.activation = backend::Activation::kGeluTanh;
  return spec;
}

constexpr auto kTensors =
    join(kEmbeddingTensors, kOutputNormBias, kAttentionNorm, kAttentionNormBias, kAttentionTensors,
         kFfnNorm, kFfnNormBias, kPlainFfnTensors);

}  // namespace

constinit const Architecture kCodeshell = {"codeshell", read_spec, kTensors};
constinit const Architecture kStarcoder2 = {"starcoder2", read_spec, kTensors};

}  // namespace chasqui::model
