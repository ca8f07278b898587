// ChatGLM 2 and 3, GLM 4 of 2024 under its first name (chatglm): one projection for queries, keys
// and values, with biases; gate and up in one matrix; half of each head rotated.
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

constexpr auto kTensors =
    join(kEmbeddingTensors, kAttentionNorm, kAttentionTensors, kFfnNorm, kFfnGateUp, kFfnDown);

}  // namespace

constinit const Architecture kChatglm = {"chatglm", read_spec, kTensors};

}  // namespace chasqui::model
