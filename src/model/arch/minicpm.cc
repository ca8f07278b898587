// MiniCPM 1 to 3 (3: with latent attention): the llama family with factors on embeddings, residuals
// and logits, which the first files do not name.
#include <cmath>

#include "model/arch/common_spec.h"
#include "model/arch/latent.h"
#include "model/arch/list.h"
#include "model/internal/common_tensors.h"

namespace chasqui::model {
namespace {

using backend::RopeKind;

// Of all published models: "scale_emb", "scale_depth", "dim_model_base".
constexpr float kEmbeddingScale = 12.0f;
constexpr float kDepthScale = 1.4f;
constexpr float kBaseWidth = 256.0f;

Result<ModelSpec> read_with_rope(const Metadata& metadata, RopeKind rope) {
  CHASQUI_TRY(ModelSpec spec, read_common_spec(metadata, rope));
  CHASQUI_TRY_STATUS(read_rms_norm(metadata, spec));
  if (metadata.file().find_tensor("rope_factors_long.weight") != nullptr) {
    spec.ropes.front().factors = RopeFactors::kByContext;
  }
  const float depth = kDepthScale / std::sqrt(static_cast<float>(spec.layers.size()));
  CHASQUI_TRY(spec.embedding_scale, read_factor(metadata, "embedding_scale", kEmbeddingScale));
  CHASQUI_TRY(spec.residual_scale, read_factor(metadata, "residual_scale", depth));
  CHASQUI_TRY(const float divisor,
              read_factor(metadata, "logit_scale", static_cast<float>(spec.hidden) / kBaseWidth));
  spec.logit_scale = 1 / divisor;
  return spec;
}

Result<ModelSpec> read_minicpm(const Metadata& metadata) {
  return read_with_rope(metadata, RopeKind::kNorm);
}

Result<ModelSpec> read_minicpm3(const Metadata& metadata) {
  CHASQUI_TRY(ModelSpec spec, read_with_rope(metadata, RopeKind::kNeox));
  CHASQUI_TRY_STATUS(read_latent(metadata, spec));
  return spec;
}

constexpr auto kTensors =
    join(kEmbeddingTensors, kRopeFactorsLong, kRopeFactorsShort, kAttentionNorm, kAttentionTensors,
         kFfnNorm, kGatedFfnTensors, kExpertTensors);

constexpr auto kTensors3 =
    join(kEmbeddingTensors, kRopeFactorsLong, kRopeFactorsShort, kAttentionNorm, kLatentTensors,
         kFfnNorm, kFfnGate, kFfnUp, kFfnDown);

}  // namespace

constinit const Architecture kMinicpm = {"minicpm", read_minicpm, kTensors};
constinit const Architecture kMinicpm3 = {"minicpm3", read_minicpm3, kTensors3};

}  // namespace chasqui::model
