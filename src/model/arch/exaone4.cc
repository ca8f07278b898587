// EXAONE 4: norms behind the blocks only, normalised queries and keys. The 32B model has windows,
// and rope in windowed layers only.
#include "model/arch/common_spec.h"
#include "model/arch/list.h"
#include "model/internal/common_tensors.h"

namespace chasqui::model {
namespace {

using backend::RopeKind;

Result<ModelSpec> read_spec(const Metadata& metadata) {
  CHASQUI_TRY(ModelSpec spec, read_common_spec(metadata, RopeKind::kNeox));
  CHASQUI_TRY_STATUS(read_rms_norm(metadata, spec));
  CHASQUI_TRY(const int64_t window, read_window(metadata));
  if (window == 0) return spec;
  CHASQUI_TRY(const auto windowed, read_window_pattern(metadata, spec.layers.size(), 4));
  use_window(spec, window, windowed);
  for (size_t i = 0; i < windowed.size(); ++i) {
    if (!windowed[i]) spec.layers[i].rope = -1;
  }
  return spec;
}

constexpr auto kTensors = join(kEmbeddingTensors, kRopeFactors, kAttentionTensors, kQkNormTensors,
                               kPostAttentionNorm, kGatedFfnTensors, kPostFfnNorm);

}  // namespace

constinit const Architecture kExaone4 = {"exaone4", read_spec, kTensors};

}  // namespace chasqui::model
