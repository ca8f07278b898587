// SmallThinker: experts with ReLU, chosen by the layer's input before anything else happens; of
// four layers the first sees everything without rope, the others have windows.
#include "model/arch/common_spec.h"
#include "model/arch/list.h"
#include "model/internal/common_tensors.h"

namespace chasqui::model {
namespace {

using backend::RopeKind;

// Of the models with windows; files say only that they have some.
constexpr int64_t kWindow = 4096;
constexpr size_t kFullEach = 4;

Result<ModelSpec> read_spec(const Metadata& metadata) {
  CHASQUI_TRY(ModelSpec spec, read_common_spec(metadata, RopeKind::kNeox));
  CHASQUI_TRY_STATUS(read_rms_norm(metadata, spec));
  spec.activation = backend::Activation::kRelu;
  CHASQUI_TRY_STATUS(read_expert_details(metadata, spec));
  spec.experts.early = true;
  CHASQUI_TRY(const int64_t window, read_window(metadata));
  if (window == 0) return spec;
  LayerFlags windowed;
  for (size_t i = 0; i < spec.layers.size(); ++i) windowed.push_back(i % kFullEach != 0);
  use_window(spec, kWindow, windowed);
  for (size_t i = 0; i < spec.layers.size(); i += kFullEach) spec.layers[i].rope = -1;
  return spec;
}

constexpr auto kTensors =
    join(kEmbeddingTensors, kAttentionNorm, kAttentionTensors, kFfnNorm, kExpertTensors);

}  // namespace

constinit const Architecture kSmallthinker = {"smallthinker", read_spec, kTensors};

}  // namespace chasqui::model
