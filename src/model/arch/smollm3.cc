// SmolLM 3: the llama family, every fourth layer without rope.
#include "model/arch/common_spec.h"
#include "model/arch/list.h"
#include "model/internal/common_tensors.h"

namespace chasqui::model {
namespace {

using backend::RopeKind;

constexpr size_t kPlainEach = 4;

Result<ModelSpec> read_spec(const Metadata& metadata) {
  CHASQUI_TRY(ModelSpec spec, read_common_spec(metadata, RopeKind::kNorm));
  CHASQUI_TRY_STATUS(read_rms_norm(metadata, spec));
  for (size_t i = kPlainEach - 1; i < spec.layers.size(); i += kPlainEach) spec.layers[i].rope = -1;
  return spec;
}

constexpr auto kTensors =
    join(kEmbeddingTensors, kAttentionNorm, kAttentionTensors, kFfnNorm, kGatedFfnTensors);

}  // namespace

constinit const Architecture kSmollm3 = {"smollm3", read_spec, kTensors};

}  // namespace chasqui::model
