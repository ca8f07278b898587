// StableLM: LayerNorm, a part of each head rotated. The 12B model normalises queries and keys and
// has both blocks under one norm, which shows in its tensors.
#include "model/arch/common_spec.h"
#include "model/arch/list.h"
#include "model/internal/common_tensors.h"

namespace chasqui::model {
namespace {

using backend::RopeKind;

Result<ModelSpec> read_spec(const Metadata& metadata) {
  CHASQUI_TRY(ModelSpec spec, read_common_spec(metadata, RopeKind::kNeox));
  CHASQUI_TRY_STATUS(read_layer_norm(metadata, spec));
  spec.qk_norm = QkNorm::kPerColumn;
  spec.parallel_blocks = metadata.file().find_tensor("blk.0.ffn_norm.weight") == nullptr;
  return spec;
}

constexpr std::array kColumnNorms = {vectors_rule(Slot::kQueryNorm, "blk.{}.attn_q_norm.weight",
                                                  Dim::kKeyDim, Dim::kHeads, Need::kOptional),
                                     vectors_rule(Slot::kKeyNorm, "blk.{}.attn_k_norm.weight",
                                                  Dim::kKeyDim, Dim::kKvHeads, Need::kOptional)};
constexpr auto kTensors =
    join(kEmbeddingTensors, kOutputNormBias, kAttentionNorm, kAttentionNormBias, kAttentionTensors,
         kColumnNorms, optional(kFfnNorm), kFfnNormBias, kGatedFfnTensors);

}  // namespace

constinit const Architecture kStablelm = {"stablelm", read_spec, kTensors};

}  // namespace chasqui::model
