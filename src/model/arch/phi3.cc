// Phi 3 to 4: fused projections, rope factors for short and for long contexts (LongRoPE).
// The sliding window that some files name is ignored: their layers were trained with other ones
// than the file says, and full attention is what other engines answer with.
#include "model/arch/common_spec.h"
#include "model/arch/list.h"
#include "model/internal/common_tensors.h"

namespace chasqui::model {
namespace {

using backend::RopeKind;

Result<ModelSpec> read_spec(const Metadata& metadata) {
  CHASQUI_TRY(ModelSpec spec, read_common_spec(metadata, RopeKind::kNeox));
  CHASQUI_TRY_STATUS(read_rms_norm(metadata, spec));
  if (metadata.file().find_tensor("rope_factors_long.weight") != nullptr) {
    spec.ropes.front().factors = RopeFactors::kByContext;
  }
  return spec;
}

constexpr auto kTensors = join(kEmbeddingTensors, kOutputBias, kRopeFactorsLong, kRopeFactorsShort,
                               kAttentionNorm, kAttentionTensors, kFfnNorm, kFfnGateUp, kFfnDown);

// Phi 3.5 MoE: norms with biases, experts.
constexpr auto kMoeTensors = join(kEmbeddingTensors, kOutputNormBias, kOutputBias, kRopeFactorsLong,
                                  kRopeFactorsShort, kAttentionNorm, kAttentionNormBias,
                                  kAttentionTensors, kFfnNorm, kFfnNormBias, kExpertTensors);

}  // namespace

constinit const Architecture kPhiMoe = {"phimoe", read_spec, kMoeTensors};
constinit const Architecture kPhi3 = {"phi3", read_spec, kTensors};

}  // namespace chasqui::model
