#include "model/internal/activations.h"

#include <algorithm>

namespace chasqui::model {
namespace {

// Widths of the widest layer.
struct Widths {
  int64_t qkv = 0;
  int64_t attention = 0;
  int64_t ffn = 0;
};

Widths widest(const ModelSpec& spec) {
  Widths widths;
  for (const LayerSpec& layer : spec.layers) {
    const int64_t copies = layer.experts ? spec.experts.used : 1;
    widths.qkv = std::max(widths.qkv, layer.qkv_width());
    widths.attention = std::max(widths.attention, layer.attention_width());
    widths.ffn = std::max(widths.ffn, layer.ffn * copies);
  }
  return widths;
}

}  // namespace

Result<Activations> Activations::allocate(const ModelSpec& spec, backend::Backend& backend,
                                          int64_t max_rows, int64_t max_logit_rows) {
  const Widths widths = widest(spec);
  int64_t rope_floats = 0;
  for (const RopeSpec& rope : spec.ropes) rope_floats += rope.rotated;

  struct Part {
    Buffer Activations::*buffer;
    int64_t rows;
    int64_t width;
  };
  const Part parts[] = {
      {&Activations::residual, max_rows, spec.hidden},
      {&Activations::normed, max_rows, spec.hidden},
      {&Activations::qkv, max_rows, widths.qkv},
      {&Activations::attention, max_rows, widths.attention},
      {&Activations::block_out, max_rows, spec.hidden},
      {&Activations::gate, max_rows, widths.ffn},
      {&Activations::up, max_rows, widths.ffn},
      {&Activations::expert_out, max_rows, spec.experts.used * spec.hidden},
      {&Activations::router_logits, max_rows, spec.experts.count},
      {&Activations::expert_ids, max_rows, spec.experts.used},
      {&Activations::expert_weights, max_rows, spec.experts.used},
      {&Activations::rope, max_rows, rope_floats},
      {&Activations::gathered, max_rows, spec.hidden},
      {&Activations::logits, max_logit_rows, spec.vocab},
  };
  Activations activations;
  for (const Part& part : parts) {
    const auto bytes = static_cast<size_t>(part.rows * part.width) * sizeof(float);
    CHASQUI_TRY(activations.*part.buffer, backend.allocate(bytes));
  }
  return activations;
}

}  // namespace chasqui::model
