// DeepSeek V2 to V3.1, Kimi K2, GigaChat 3 (deepseek2), Mistral Small 4 (mistral4): latent
// attention, experts behind some dense layers, groups of experts; queries of the last grow with the
// logarithm of their position.
#include <cmath>

#include "model/arch/common_spec.h"
#include "model/arch/latent.h"
#include "model/arch/list.h"
#include "model/internal/rope_tables.h"

namespace chasqui::model {
namespace {

using backend::RopeKind;

// YaRN is told by the multiplier alone; the rotated vectors keep their magnitude and all queries
// are scaled instead.
Status read_scale(const Metadata& metadata, ModelSpec& spec) {
  RopeSpec& rope = spec.ropes.front();
  // Files hold a tenth of the model's "mscale_all_dim".
  CHASQUI_TRY(const double tenth, metadata.double_or("rope.scaling.yarn_log_multiplier", 0, 10, 0));
  rope.yarn_mscale = rope.yarn_mscale_all = tenth * 10;
  const double magnitude =
      rope.scaling == RopeScaling::kYarn ? yarn_magnitude(rope, rope.yarn_mscale_all) : 1.0;
  spec.attention_scale = static_cast<float>(magnitude * magnitude /
                                            std::sqrt(static_cast<double>(spec.latent.key_dim)));
  CHASQUI_TRY(spec.temperature_scale, read_factor(metadata, "attention.temperature_scale", 0));
  CHASQUI_TRY(const int64_t length, metadata.int_or("attention.temperature_length",
                                                    {1, int64_t{1} << 32}, rope.original_context));
  if (spec.temperature_scale > 0) spec.temperature_length = length;
  return {};
}

Result<ModelSpec> read_spec(const Metadata& metadata) {
  CHASQUI_TRY(ModelSpec spec, read_common_spec(metadata, RopeKind::kNorm));
  CHASQUI_TRY_STATUS(read_rms_norm(metadata, spec));
  CHASQUI_TRY_STATUS(read_latent(metadata, spec));
  CHASQUI_TRY_STATUS(read_scale(metadata, spec));
  spec.experts.normalize = false;
  CHASQUI_TRY_STATUS(read_expert_details(metadata, spec));
  return spec;
}

constexpr auto kTensors =
    join(kEmbeddingTensors, kAttentionNorm, kLatentTensors, kFfnNorm, kFfnGate, kFfnUp, kFfnDown,
         kExpertTensors, kSelectionBias, kSharedExpertTensors);

}  // namespace

constinit const Architecture kDeepseek2 = {"deepseek2", read_spec, kTensors};
constinit const Architecture kMistral4 = {"mistral4", read_spec, kTensors};

}  // namespace chasqui::model
