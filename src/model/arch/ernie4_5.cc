// ERNIE 4.5, dense and with experts in every n-th layer behind some dense ones; PaddleOCR's
// language part.
#include "model/arch/common_spec.h"
#include "model/arch/list.h"
#include "model/internal/common_tensors.h"

namespace chasqui::model {
namespace {

using backend::RopeKind;

Result<ModelSpec> read_spec(const Metadata& metadata) {
  CHASQUI_TRY(ModelSpec spec, read_common_spec(metadata, RopeKind::kNorm));
  CHASQUI_TRY_STATUS(read_rms_norm(metadata, spec));
  return spec;
}

Result<ModelSpec> read_moe(const Metadata& metadata) {
  CHASQUI_TRY(ModelSpec spec, read_spec(metadata));
  const int64_t usual = spec.layers.front().ffn;
  CHASQUI_TRY_STATUS(read_expert_details(metadata, spec));
  CHASQUI_TRY(const int64_t step, metadata.int_or("interleave_moe_layer_step", {1, 1024}, 1));
  use_expert_step(spec, step, usual);
  return spec;
}

constexpr auto kTensors =
    join(kEmbeddingTensors, kAttentionNorm, kAttentionTensors, kFfnNorm, kGatedFfnTensors);
constexpr auto kMoeTensors = join(kTensors, kExpertTensors, kSelectionBias, kSharedExpertTensors);

}  // namespace

constinit const Architecture kErnie45 = {"ernie4_5", read_spec, kTensors};
constinit const Architecture kErnie45Moe = {"ernie4_5-moe", read_moe, kMoeTensors};

}  // namespace chasqui::model
