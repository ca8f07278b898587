// Mistral 3 (Ministral 3, Devstral 2): the llama family with YaRN whose magnitude is left alone,
// and queries that grow with the logarithm of their position.
#include "model/arch/common_spec.h"
#include "model/arch/list.h"
#include "model/internal/common_tensors.h"

namespace chasqui::model {
namespace {

using backend::RopeKind;

Result<ModelSpec> read_spec(const Metadata& metadata) {
  CHASQUI_TRY(ModelSpec spec, read_common_spec(metadata, RopeKind::kNorm));
  CHASQUI_TRY_STATUS(read_rms_norm(metadata, spec));
  RopeSpec& rope = spec.ropes.front();
  CHASQUI_TRY(rope.yarn_mscale_all,
              metadata.double_or("rope.scaling.yarn_log_multiplier", 0, 100, 0));
  CHASQUI_TRY(spec.temperature_scale, read_factor(metadata, "attention.temperature_scale", 0));
  if (spec.temperature_scale > 0) spec.temperature_length = rope.original_context;
  return spec;
}

constexpr auto kTensors = join(kEmbeddingTensors, kRopeFactors, kAttentionNorm, kAttentionTensors,
                               kFfnNorm, kGatedFfnTensors, kExpertTensors);

}  // namespace

constinit const Architecture kMistral3 = {"mistral3", read_spec, kTensors};

}  // namespace chasqui::model
