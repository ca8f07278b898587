// GPT-NeoX and Pythia: LayerNorm, blocks in parallel (each under its own norm) or not, a part of
// each head rotated.
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
  CHASQUI_TRY(spec.parallel_blocks, metadata.bool_or("use_parallel_residual", true));
  return spec;
}

constexpr auto kTensors =
    join(kEmbeddingTensors, kOutputNormBias, kAttentionNorm, kAttentionNormBias, kAttentionTensors,
         kFfnNorm, kFfnNormBias, kPlainFfnTensors);

}  // namespace

constinit const Architecture kGptNeox = {"gptneox", read_spec, kTensors};

}  // namespace chasqui::model
