// Ling (bailingmoe) and Ling 2 (bailingmoe2): experts and a feed-forward beside them; 2 normalises
// queries and keys head by head, and starts with dense layers.
#include "model/arch/common_spec.h"
#include "model/arch/list.h"
#include "model/internal/common_tensors.h"

namespace chasqui::model {
namespace {

using backend::RopeKind;

Result<ModelSpec> read_bailing(const Metadata& metadata) {
  CHASQUI_TRY(ModelSpec spec, read_common_spec(metadata, RopeKind::kNorm));
  CHASQUI_TRY_STATUS(read_rms_norm(metadata, spec));
  spec.experts.normalize = false;
  CHASQUI_TRY_STATUS(read_expert_details(metadata, spec));
  return spec;
}

Result<ModelSpec> read_bailing2(const Metadata& metadata) {
  CHASQUI_TRY(ModelSpec spec, read_common_spec(metadata, RopeKind::kNeox));
  CHASQUI_TRY_STATUS(read_rms_norm(metadata, spec));
  spec.experts.normalize = false;
  CHASQUI_TRY_STATUS(read_expert_details(metadata, spec));
  // The width is that of one shared expert here.
  CHASQUI_TRY(const int64_t width,
              metadata.int_or("expert_shared_feed_forward_length", {0, 1 << 20}, 0));
  CHASQUI_TRY(const int64_t count, metadata.int_or("expert_shared_count", {0, 64}, 1));
  for (LayerSpec& layer : spec.layers) {
    if (layer.experts && width > 0) layer.shared_ffn = width * count;
  }
  return spec;
}

constexpr auto kTensors = join(kEmbeddingTensors, kRopeFactors, kAttentionNorm, kAttentionTensors,
                               kFfnNorm, kExpertTensors, kSharedExpertTensors);
constexpr auto kTensors2 =
    join(kEmbeddingTensors, kAttentionNorm, kAttentionTensors, kQkNormTensors, kFfnNorm, kFfnGate,
         kFfnUp, kFfnDown, kExpertTensors, kSelectionBias, kSharedExpertTensors);

}  // namespace

constinit const Architecture kBailingMoe = {"bailingmoe", read_bailing, kTensors};
constinit const Architecture kBailingMoe2 = {"bailingmoe2", read_bailing2, kTensors2};

}  // namespace chasqui::model
