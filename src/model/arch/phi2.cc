// Phi 1, 1.5 and 2: LayerNorm, both blocks under one norm, biases everywhere.
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
  spec.parallel_blocks = true;
  return spec;
}

constexpr auto kTensors = join(kEmbeddingTensors, kOutputNormBias, kOutputBias, kAttentionNorm,
                               kAttentionNormBias, kAttentionTensors, kPlainFfnTensors);

}  // namespace

constinit const Architecture kPhi2 = {"phi2", read_spec, kTensors};

}  // namespace chasqui::model
