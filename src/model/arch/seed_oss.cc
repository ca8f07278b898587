// Seed-OSS: biases in attention.
#include "model/arch/common_spec.h"
#include "model/arch/list.h"
#include "model/internal/common_tensors.h"

namespace chasqui::model {
namespace {

using backend::RopeKind;

Result<ModelSpec> read_spec(const Metadata& metadata) {
  CHASQUI_TRY(ModelSpec spec, read_common_spec(metadata, RopeKind::kNeox));
  CHASQUI_TRY_STATUS(read_rms_norm(metadata, spec));
  return spec;
}

constexpr auto kTensors =
    join(kEmbeddingTensors, kAttentionNorm, kAttentionTensors, kFfnNormAsPost, kGatedFfnTensors);

}  // namespace

constinit const Architecture kSeedOss = {"seed_oss", read_spec, kTensors};

}  // namespace chasqui::model
