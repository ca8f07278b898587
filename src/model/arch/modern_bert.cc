// ModernBERT: an encoder with norms before its blocks (the first layer's is the embedding's), a
// gated feed-forward from one matrix, and two of three layers that see their neighbourhood only,
// rotated by a base of their own. arXiv:2412.13663
#include <fmt/format.h>

#include "model/arch/common_spec.h"
#include "model/arch/list.h"
#include "model/internal/common_tensors.h"

namespace chasqui::model {
namespace {

using backend::RopeKind;

// Of `period` layers the first one sees everything.
LayerFlags all_but_first_of_each(int64_t period, size_t layers) {
  LayerFlags flags;
  for (size_t i = 0; i < layers; ++i) flags.push_back(static_cast<int64_t>(i) % period != 0);
  return flags;
}

Result<backend::Activation> read_activation(const Metadata& metadata) {
  CHASQUI_TRY(const std::string name, metadata.string_or("hidden_activation", "gelu"));
  if (name == "gelu") return backend::Activation::kGeluTanh;  // as in bert.cc
  if (name == "silu") return backend::Activation::kSilu;
  return fail(ErrorCode::kUnsupported,
              fmt::format("{}: {} is \"{}\"; known are gelu and silu", metadata.file().path(),
                          metadata.key("hidden_activation"), name));
}

Result<ModelSpec> read_spec(const Metadata& metadata) {
  CHASQUI_TRY(ModelSpec spec, read_common_spec(metadata, RopeKind::kNeox));
  CHASQUI_TRY_STATUS(read_layer_norm(metadata, spec));
  CHASQUI_TRY(spec.activation, read_activation(metadata));
  spec.causal = false;
  spec.rank_head = {.pooling = Pooling::kMean, .activation = HeadActivation::kGelu};
  CHASQUI_TRY(const int64_t window, read_window(metadata));
  CHASQUI_TRY(const int64_t period,
              metadata.int_or("attention.sliding_window_pattern", {1, 1024}, 3));
  const auto windowed = all_but_first_of_each(period, spec.layers.size());
  const double usual = spec.ropes.front().base;
  CHASQUI_TRY(const double base, metadata.double_or("rope.freq_base_swa", 1e-3, 1e12, usual));
  use_symmetric_window(spec, window, windowed);
  if (window > 0) use_window_rope(spec, base, windowed);
  return spec;
}

constexpr auto kTensors =
    join(kTokenEmbedding, kEmbeddingNorm, kOutputNorm, optional(kAttentionNorm), kAttentionTensors,
         kFfnNorm, kFfnGateUp, kFfnDown, kRankingTensors);

}  // namespace

constinit const Architecture kModernBert = {"modern-bert", read_spec, kTensors};

}  // namespace chasqui::model
