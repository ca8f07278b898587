// Qwen 3, its mixtures of experts, the language part of Qwen 3-VL, Maincoder, and Mellum 2, which
// has windows: queries and keys are normalised head by head.
#include "model/arch/common_spec.h"
#include "model/arch/list.h"
#include "model/internal/common_tensors.h"

namespace chasqui::model {
namespace {

using backend::RopeKind;

Result<ModelSpec> read_spec(const Metadata& metadata) {
  CHASQUI_TRY(ModelSpec spec, read_common_spec(metadata, RopeKind::kNeox));
  CHASQUI_TRY_STATUS(read_rms_norm(metadata, spec));
  CHASQUI_TRY_STATUS(read_expert_details(metadata, spec));
  spec.rank_head.pooling = Pooling::kLast;
  return spec;
}

// A text has the same position in all sections of the rope, so they make no difference. The
// pictures' features that are added behind the first layers are not the text's.
Result<ModelSpec> read_vl(const Metadata& metadata) {
  metadata.note_key("rope.dimension_sections");
  metadata.note_key("n_deepstack_layers");
  return read_spec(metadata);
}

Result<ModelSpec> read_maincoder(const Metadata& metadata) {
  CHASQUI_TRY(ModelSpec spec, read_spec(metadata));
  spec.ropes.front().kind = RopeKind::kNorm;
  spec.qk_norm_after_rope = true;
  return spec;
}

Result<ModelSpec> read_mellum(const Metadata& metadata) {
  CHASQUI_TRY(ModelSpec spec, read_spec(metadata));
  CHASQUI_TRY(const int64_t window, read_window(metadata));
  if (window == 0) return spec;
  CHASQUI_TRY(const auto windowed, read_window_pattern(metadata, spec.layers.size(), 4));
  use_window(spec, window, windowed);
  use_window_rope(spec, spec.ropes.front().base, windowed);
  return spec;
}

constexpr auto kTensors = join(kEmbeddingTensors, kAttentionNorm, kAttentionTensors, kQkNormTensors,
                               kFfnNorm, kGatedFfnTensors, kRankingTensors);
constexpr auto kMoeTensors = join(kEmbeddingTensors, kAttentionNorm, kAttentionTensors,
                                  kQkNormTensors, kFfnNorm, kExpertTensors);

}  // namespace

constinit const Architecture kQwen3 = {"qwen3", read_spec, kTensors};
constinit const Architecture kMaincoder = {"maincoder", read_maincoder, kTensors};
constinit const Architecture kMellum = {"mellum", read_mellum, kMoeTensors};
constinit const Architecture kQwen3Vl = {"qwen3vl", read_vl, kTensors};
constinit const Architecture kQwen3VlMoe = {"qwen3vlmoe", read_vl, kMoeTensors};
constinit const Architecture kQwen3Moe = {"qwen3moe", read_spec, kMoeTensors};

}  // namespace chasqui::model
