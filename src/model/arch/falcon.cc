// Falcon 7B, 40B and 180B: LayerNorm, parallel blocks under one norm (7B) or two, no biases in
// matrices.
#include "model/arch/common_spec.h"
#include "model/arch/list.h"
#include "model/internal/common_tensors.h"

namespace chasqui::model {
namespace {

using backend::RopeKind;

Result<ModelSpec> read_spec(const Metadata& metadata) {
  CHASQUI_TRY(ModelSpec spec, read_common_spec(metadata, RopeKind::kNeox));
  CHASQUI_TRY_STATUS(read_layer_norm(metadata, spec));
  spec.activation = backend::Activation::kGeluTanh;
  spec.parallel_blocks = true;
  return spec;
}

// attn_norm is the feed-forward's norm, and the attention's too unless that has its own.
constexpr std::array kNorms = {named(kFfnNorm, "blk.{}.attn_norm.weight"),
                               named(kFfnNormBias, "blk.{}.attn_norm.bias"),
                               optional(named(kAttentionNorm, "blk.{}.attn_norm_2.weight")),
                               named(kAttentionNormBias, "blk.{}.attn_norm_2.bias")};
constexpr auto kTensors =
    join(kEmbeddingTensors, kOutputNormBias, kNorms, kAttentionTensors, kPlainFfnTensors);

}  // namespace

constinit const Architecture kFalcon = {"falcon", read_spec, kTensors};

}  // namespace chasqui::model
