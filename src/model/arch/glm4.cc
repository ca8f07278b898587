// GLM 4 (9B and 32B): norms around both blocks, gate and up in one matrix, half of each head
// rotated. GLM 4.5 to 4.7 (glm4moe): experts behind some dense layers.
#include "model/arch/common_spec.h"
#include "model/arch/list.h"
#include "model/internal/common_tensors.h"

namespace chasqui::model {
namespace {

using backend::RopeKind;

constexpr int64_t kSections = 4;

// The language part of GLM 4.1V and 4.5V says sections of its rope, which make no difference for a
// text, and rotates halves.
Result<bool> has_sections(const Metadata& metadata) {
  CHASQUI_TRY(const auto sections,
              metadata.per_layer("rope.dimension_sections", {0, 1 << 16}, kSections, 0));
  return sections.front() > 0;
}

Result<ModelSpec> read_glm4(const Metadata& metadata) {
  CHASQUI_TRY(const bool halves, has_sections(metadata));
  CHASQUI_TRY(ModelSpec spec,
              read_common_spec(metadata, halves ? RopeKind::kNeox : RopeKind::kNorm));
  CHASQUI_TRY_STATUS(read_rms_norm(metadata, spec));
  return spec;
}

Result<ModelSpec> read_glm4_moe(const Metadata& metadata) {
  metadata.note_key("rope.dimension_sections");
  CHASQUI_TRY(ModelSpec spec, read_common_spec(metadata, RopeKind::kNeox));
  CHASQUI_TRY_STATUS(read_rms_norm(metadata, spec));
  spec.experts.gate = backend::ExpertGate::kSigmoid;
  CHASQUI_TRY_STATUS(read_expert_details(metadata, spec));
  return spec;
}

constexpr auto kTensors = join(kEmbeddingTensors, kAttentionNorm, kAttentionTensors,
                               kPostAttentionNorm, kFfnNorm, kFfnGateUp, kFfnDown, kPostFfnNorm);
constexpr auto kMoeTensors =
    join(kEmbeddingTensors, kAttentionNorm, kAttentionTensors, optional(kQueryNorm),
         optional(kKeyNorm), kFfnNormAsPost, kFfnGate, kFfnUp, kFfnDown, kExpertTensors,
         kSelectionBias, kSharedExpertTensors);

}  // namespace

constinit const Architecture kGlm4 = {"glm4", read_glm4, kTensors};
constinit const Architecture kGlm4Moe = {"glm4moe", read_glm4_moe, kMoeTensors};

}  // namespace chasqui::model
