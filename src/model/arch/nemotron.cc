// Nemotron (Minitron) and Orion: LayerNorm with biases; Nemotron rotates a part of each head and
// has a feed-forward without gate and with squared ReLU.
#include "model/arch/common_spec.h"
#include "model/arch/list.h"
#include "model/internal/common_tensors.h"

namespace chasqui::model {
namespace {

using backend::RopeKind;

Result<ModelSpec> read_orion(const Metadata& metadata) {
  CHASQUI_TRY(ModelSpec spec, read_common_spec(metadata, RopeKind::kNeox));
  CHASQUI_TRY_STATUS(read_layer_norm(metadata, spec));
  return spec;
}

Result<ModelSpec> read_nemotron(const Metadata& metadata) {
  CHASQUI_TRY(ModelSpec spec, read_orion(metadata));
  spec.activation = backend::Activation::kReluSquared;
  return spec;
}

constexpr auto kNorms =
    join(kOutputNormBias, kAttentionNorm, kAttentionNormBias, kFfnNorm, kFfnNormBias);
constexpr auto kTensors = join(kEmbeddingTensors, kNorms, kAttentionTensors, kPlainFfnTensors);
constexpr auto kOrionTensors = join(kEmbeddingTensors, kNorms, kAttentionTensors, kGatedFfnTensors);

}  // namespace

constinit const Architecture kNemotron = {"nemotron", read_nemotron, kTensors};
constinit const Architecture kOrion = {"orion", read_orion, kOrionTensors};

}  // namespace chasqui::model
