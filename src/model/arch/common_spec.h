// Parts of read_spec that architectures share. Every number that is read is bounded, so that
// products of two of them fit in 64 bits. Errors name the file and the key.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/result.h"
#include "model/internal/metadata.h"
#include "model/model_spec.h"

namespace chasqui::model {

// Sizes, heads, one rope and experts under their usual keys. Layers have attention, or
// Mixer::kNone where the file gives them no key-value heads; the norm is kRms without its epsilon.
Result<ModelSpec> read_common_spec(const Metadata& metadata, backend::RopeKind rope);

// The kind of norm with its epsilon.
Status read_rms_norm(const Metadata& metadata, ModelSpec& spec);
Status read_layer_norm(const Metadata& metadata, ModelSpec& spec);

// What most files of today say about experts: weights, gate function, groups, widths and which
// layers have them. The spec's values stay where keys are absent.
Status read_expert_details(const Metadata& metadata, ModelSpec& spec);

// Experts are in every `step`-th layer only; the others are dense with the width `dense_ffn`.
void use_expert_step(ModelSpec& spec, int64_t step, int64_t dense_ffn);

// Layers for which `is_windowed` is true see the last `window` tokens only, and live in a cache
// group of their own. window 0: nothing changes.
using LayerFlags = std::vector<bool>;
void use_window(ModelSpec& spec, int64_t window, const LayerFlags& is_windowed);
// The same for an encoder, whose tokens see `window` / 2 tokens to either side; its layers are
// computed with the whole text at hand, so they share a cache group.
void use_symmetric_window(ModelSpec& spec, int64_t window, const LayerFlags& is_windowed);
// Of `period` layers the last one sees everything.
LayerFlags all_but_each(int64_t period, size_t layers);

// attention.sliding_window, 0 where there is none.
Result<int64_t> read_window(const Metadata& metadata);
// attention.sliding_window_pattern: a flag for each layer, or the period of all_but_each().
Result<LayerFlags> read_window_pattern(const Metadata& metadata, size_t layers, int64_t period);

// Another rope, for layers with `is_windowed`; unscaled and not for users to change.
void use_window_rope(ModelSpec& spec, double base, const LayerFlags& is_windowed);

// Layers for which `is_recurrent` is true have `mixer` with a state of `floats` values instead of
// attention, and live in a cache group of their own.
void use_states(ModelSpec& spec, Mixer mixer, int64_t floats, const LayerFlags& is_recurrent);

// kInvalidArgument where keys and values of attention heads differ in size.
Status check_equal_head_dims(const Metadata& metadata, const ModelSpec& spec);

// A key that gives a factor, `fallback` where it is absent or 0.
Result<float> read_factor(const Metadata& metadata, std::string_view name, float fallback);

}  // namespace chasqui::model
