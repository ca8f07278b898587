// Hunyuan, dense and with experts: queries and keys are normalised head by head, behind the rope.
#include "model/arch/common_spec.h"
#include "model/arch/list.h"
#include "model/internal/common_tensors.h"

namespace chasqui::model {
namespace {

using backend::RopeKind;

Result<ModelSpec> read_dense(const Metadata& metadata) {
  CHASQUI_TRY(ModelSpec spec, read_common_spec(metadata, RopeKind::kNeox));
  CHASQUI_TRY_STATUS(read_rms_norm(metadata, spec));
  spec.qk_norm_after_rope = true;
  return spec;
}

Result<ModelSpec> read_moe(const Metadata& metadata) {
  CHASQUI_TRY(ModelSpec spec, read_dense(metadata));
  const int64_t usual = spec.layers.front().ffn;
  CHASQUI_TRY_STATUS(read_expert_details(metadata, spec));
  for (LayerSpec& layer : spec.layers) {
    if (layer.shared_ffn == 0) layer.shared_ffn = usual;
  }
  return spec;
}

constexpr auto kTensors = join(kEmbeddingTensors, kAttentionNorm, kAttentionTensors, kQkNormTensors,
                               kFfnNorm, kGatedFfnTensors);
constexpr auto kMoeTensors = join(kEmbeddingTensors, kAttentionNorm, kAttentionTensors,
                                  kQkNormTensors, kFfnNorm, kExpertTensors, kSharedExpertTensors);

}  // namespace

constinit const Architecture kHunyuanDense = {"hunyuan-dense", read_dense, kTensors};
constinit const Architecture kHunyuanMoe = {"hunyuan-moe", read_moe, kMoeTensors};

}  // namespace chasqui::model
