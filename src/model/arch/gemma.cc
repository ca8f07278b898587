// Gemma, Gemma 2, Gemma 3 and EmbeddingGemma: embeddings scaled by the root of their width (the one
// that norm weights have added to them is part of the file), tanh gelu; from 2 on norms around both
// blocks and windows; 2 limits its logits softly; 3 normalises queries and keys and rotates
// windowed layers by a base of their own.
#include <cmath>

#include "model/arch/common_spec.h"
#include "model/arch/list.h"
#include "model/internal/common_tensors.h"

namespace chasqui::model {
namespace {

using backend::RopeKind;

Result<ModelSpec> read_gemma(const Metadata& metadata) {
  CHASQUI_TRY(ModelSpec spec, read_common_spec(metadata, RopeKind::kNeox));
  CHASQUI_TRY_STATUS(read_rms_norm(metadata, spec));
  spec.activation = backend::Activation::kGeluTanh;
  spec.embedding_scale = std::sqrt(static_cast<float>(spec.hidden));
  return spec;
}

// The 27B models scale queries by the hidden size of a head, not by its key length; files do not
// say so.
void use_hidden_scale(ModelSpec& spec, size_t layers_of_27b) {
  if (spec.layers.size() != layers_of_27b) return;
  const LayerSpec& layer = spec.layers.front();
  spec.attention_scale =
      1.0f / std::sqrt(static_cast<float>(spec.hidden) / static_cast<float>(layer.heads));
}

Result<ModelSpec> read_gemma2(const Metadata& metadata) {
  CHASQUI_TRY(ModelSpec spec, read_gemma(metadata));
  CHASQUI_TRY(const int64_t window,
              metadata.int_or("attention.sliding_window", {0, 1 << 30}, 4096));
  use_window(spec, window, all_but_each(2, spec.layers.size()));
  use_hidden_scale(spec, 46);
  CHASQUI_TRY(spec.attention_softcap, read_factor(metadata, "attn_logit_softcapping", 50));
  CHASQUI_TRY(spec.logit_softcap, read_factor(metadata, "final_logit_softcapping", 30));
  return spec;
}

Result<ModelSpec> read_gemma3(const Metadata& metadata) {
  CHASQUI_TRY(ModelSpec spec, read_gemma(metadata));
  CHASQUI_TRY(const int64_t window, read_window(metadata));
  CHASQUI_TRY(const auto windowed, read_window_pattern(metadata, spec.layers.size(), 6));
  CHASQUI_TRY(const double base, metadata.double_or("rope.freq_base_swa", 1, 1e12, 10000));
  use_window(spec, window, windowed);
  if (window > 0) use_window_rope(spec, base, windowed);
  use_hidden_scale(spec, 62);
  CHASQUI_TRY(spec.logit_softcap, read_factor(metadata, "final_logit_softcapping", 0));
  return spec;
}

// Made of Gemma 3: every token sees the whole text, or its neighbourhood in windowed layers.
Result<ModelSpec> read_gemma_embedding(const Metadata& metadata) {
  CHASQUI_TRY(ModelSpec spec, read_gemma(metadata));
  spec.causal = false;
  CHASQUI_TRY(const int64_t window, read_window(metadata));
  CHASQUI_TRY(const auto windowed, read_window_pattern(metadata, spec.layers.size(), 6));
  CHASQUI_TRY(const double base, metadata.double_or("rope.freq_base_swa", 1, 1e12, 10000));
  use_symmetric_window(spec, window, windowed);
  if (window > 0) use_window_rope(spec, base, windowed);
  return spec;
}

constexpr auto kTensors =
    join(kEmbeddingTensors, kAttentionNorm, kAttentionTensors, kFfnNorm, kGatedFfnTensors);
constexpr auto kTensors2 = join(kTensors, kPostAttentionNorm, kPostFfnNorm);
constexpr auto kTensors3 = join(kTensors2, kQkNormTensors);
constexpr auto kTensorsEmbedding = join(kTensors3, kDenseHeadTensors);

}  // namespace

constinit const Architecture kGemma = {"gemma", read_gemma, kTensors};
constinit const Architecture kGemma2 = {"gemma2", read_gemma2, kTensors2};
constinit const Architecture kGemma3 = {"gemma3", read_gemma3, kTensors3};
constinit const Architecture kGemmaEmbedding = {"gemma-embedding", read_gemma_embedding,
                                                kTensorsEmbedding};

}  // namespace chasqui::model
