// Encoders of the BERT family: every token sees the whole text, and each block's sum with its
// input is normalised (arXiv:1810.04805). bert adds learned positions and the type of the first
// text; nomic-bert rotates instead and has a gated feed-forward (arXiv:2402.01613).
#include "model/arch/common_spec.h"
#include "model/arch/list.h"
#include "model/internal/common_tensors.h"

namespace chasqui::model {
namespace {

using backend::RopeKind;

Result<ModelSpec> read_encoder(const Metadata& metadata) {
  CHASQUI_TRY(ModelSpec spec, read_common_spec(metadata, RopeKind::kNeox));
  CHASQUI_TRY_STATUS(read_layer_norm(metadata, spec));
  spec.causal = false;
  return spec;
}

// The reference computes gelu by its tanh form, whatever the model was trained with.
Result<ModelSpec> read_bert(const Metadata& metadata) {
  CHASQUI_TRY(ModelSpec spec, read_encoder(metadata));
  spec.activation = backend::Activation::kGeluTanh;
  spec.max_positions = spec.context_length;
  for (LayerSpec& layer : spec.layers) layer.rope = -1;
  return spec;
}

constexpr auto kCommon = join(kTokenEmbedding, kTokenTypes, kEmbeddingNorm, kEmbeddingNormBias,
                              kAttentionTensors, kResidualNormTensors, kRankingTensors);
constexpr auto kBertTensors = join(kCommon, kPositionEmbedding, kPlainFfnTensors);
constexpr auto kNomicTensors = join(kCommon, kGatedFfnTensors);

}  // namespace

constinit const Architecture kBert = {"bert", read_bert, kBertTensors};
constinit const Architecture kNomicBert = {"nomic-bert", read_encoder, kNomicTensors};

}  // namespace chasqui::model
