// OLMo 2 and 3: norms behind the blocks only, queries and keys normalised as whole rows; 3 has
// windows, and scales the rope of full layers only. OLMoE: norms before the blocks, experts.
#include "model/arch/common_spec.h"
#include "model/arch/list.h"
#include "model/internal/common_tensors.h"

namespace chasqui::model {
namespace {

using backend::RopeKind;

Result<ModelSpec> read_olmo(const Metadata& metadata) {
  CHASQUI_TRY(ModelSpec spec, read_common_spec(metadata, RopeKind::kNeox));
  CHASQUI_TRY_STATUS(read_rms_norm(metadata, spec));
  spec.qk_norm = QkNorm::kWholeRow;
  return spec;
}

Result<ModelSpec> read_olmo2(const Metadata& metadata) {
  CHASQUI_TRY(ModelSpec spec, read_olmo(metadata));
  CHASQUI_TRY(const int64_t window, read_window(metadata));
  if (window == 0) return spec;
  CHASQUI_TRY(const auto windowed, read_window_pattern(metadata, spec.layers.size(), 4));
  use_window(spec, window, windowed);
  use_window_rope(spec, spec.ropes.front().base, windowed);
  return spec;
}

Result<ModelSpec> read_olmoe(const Metadata& metadata) {
  CHASQUI_TRY(ModelSpec spec, read_olmo(metadata));
  spec.experts.normalize = false;
  CHASQUI_TRY_STATUS(read_expert_details(metadata, spec));
  return spec;
}

constexpr auto kTensors = join(kEmbeddingTensors, kAttentionTensors, kRowNormTensors,
                               kPostAttentionNorm, kGatedFfnTensors, kPostFfnNorm);
constexpr auto kMoeTensors = join(kEmbeddingTensors, kAttentionNorm, kAttentionTensors,
                                  kRowNormTensors, kFfnNorm, kExpertTensors);

}  // namespace

constinit const Architecture kOlmo2 = {"olmo2", read_olmo2, kTensors};
constinit const Architecture kOlmoe = {"olmoe", read_olmoe, kMoeTensors};

}  // namespace chasqui::model
