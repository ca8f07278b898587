// Qwen 1.5 to 2.5, their mixtures of experts, whose shared expert has a gate, and the language part
// of Qwen 2-VL and 2.5-VL; Pangu Embedded. The first Qwen (qwen) has one projection for queries,
// keys and values, and says twice the width of its feed-forward.
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

// A text has the same position in all sections of the rope, so they make no difference.
Result<ModelSpec> read_vl(const Metadata& metadata) {
  metadata.note_key("rope.dimension_sections");
  return read_spec(metadata);
}

Result<ModelSpec> read_qwen(const Metadata& metadata) {
  CHASQUI_TRY(ModelSpec spec, read_spec(metadata));
  for (LayerSpec& layer : spec.layers) layer.ffn /= 2;
  return spec;
}

constexpr auto kTensors = join(kEmbeddingTensors, kOutputBias, kAttentionNorm, kAttentionTensors,
                               kFfnNorm, kGatedFfnTensors);
constexpr auto kMoeTensors = join(kEmbeddingTensors, kAttentionNorm, kAttentionTensors, kFfnNorm,
                                  kExpertTensors, kSharedExpertTensors, kSharedRouter);

}  // namespace

constinit const Architecture kQwen2 = {"qwen2", read_spec, kTensors};
constinit const Architecture kPangu = {"pangu-embedded", read_spec, kTensors};
constinit const Architecture kQwen = {"qwen", read_qwen, kTensors};
constinit const Architecture kQwen2Vl = {"qwen2vl", read_vl, kTensors};
constinit const Architecture kQwen2Moe = {"qwen2moe", read_spec, kMoeTensors};

}  // namespace chasqui::model
