// Llama 4 (language part): every fourth layer sees everything, without rope, and scales its queries
// by their position; the others see chunks of the text, and normalise queries and keys behind the
// rope. Experts in every n-th layer, whose inputs are weighed.
#include <algorithm>

#include "model/arch/common_spec.h"
#include "model/arch/list.h"
#include "model/internal/common_tensors.h"

namespace chasqui::model {
namespace {

using backend::RopeKind;

// Of all published models; files do not say it.
constexpr int64_t kChunk = 8192;
constexpr float kTemperatureScale = 0.1f;
constexpr size_t kFullEach = 4;
// The models without norms of queries and keys (Maverick).
constexpr int64_t kExpertsWithoutNorm = 128;

Result<ModelSpec> read_spec(const Metadata& metadata) {
  CHASQUI_TRY(ModelSpec spec, read_common_spec(metadata, RopeKind::kNorm));
  CHASQUI_TRY_STATUS(read_rms_norm(metadata, spec));
  spec.experts.gate = backend::ExpertGate::kSigmoid;
  spec.experts.normalize = false;
  spec.experts.weigh_inputs = true;
  const int64_t dense_ffn = spec.layers.front().ffn;
  CHASQUI_TRY_STATUS(read_expert_details(metadata, spec));
  for (LayerSpec& layer : spec.layers) layer.shared_ffn = layer.ffn;
  CHASQUI_TRY(const int64_t step, metadata.int_or("interleave_moe_layer_step", {1, 1024}, 1));
  use_expert_step(spec, step, dense_ffn);

  // No layer sees beyond its chunk as long as there is only one; the masks of more are not
  // implemented.
  spec.max_positions = kChunk;
  spec.context_length = std::min(spec.context_length, kChunk);
  spec.qk_norm_after_rope = true;
  spec.temperature_scale = kTemperatureScale;
  spec.temperature_length = kChunk;
  spec.temperature_offset = 1;
  for (size_t i = 0; i < spec.layers.size(); ++i) {
    const bool sees_all = i % kFullEach == kFullEach - 1;
    LayerSpec& layer = spec.layers[i];
    if (sees_all) layer.rope = -1;
    layer.scales_queries = sees_all;
    layer.plain_qk_norm = !sees_all && spec.experts.count != kExpertsWithoutNorm;
  }
  return spec;
}

constexpr auto kTensors =
    join(kEmbeddingTensors, kRopeFactors, kAttentionNorm, kAttentionTensors, kFfnNorm, kFfnGate,
         kFfnUp, kFfnDown, kExpertTensors, kSharedExpertTensors);

}  // namespace

constinit const Architecture kLlama4 = {"llama4", read_spec, kTensors};

}  // namespace chasqui::model
