// How an architecture says which tensors it has: rules of name, shape in terms of the spec, when
// the tensor must be there, and the slot where layer code finds it. The rules that models share
// are in common_tensors.h; an architecture lists those that it uses (arch/<name>.cc).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "model/internal/slots.h"

namespace chasqui::model {

// A dimension of a tensor as a quantity of the model (of the layer, where they differ).
enum class Dim {
  kOne,
  kAny,  // whatever the file has, from 1 on
  kHidden,
  kVocab,
  kPositions,  // ModelSpec::max_positions
  kQ,          // heads * key_dim
  kK,          // kv_heads * key_dim
  kV,          // kv_heads * value_dim
  kQkv,        // the three together
  kKeyDim,
  kHeads,
  kKvHeads,
  kAttention,  // heads * value_dim
  kFfn,
  kTwiceFfn,
  kSharedFfn,
  kExperts,
  kRopePairs,  // rotated / 2, of the rope with factors
  kLayerInput,
  kAllLayerInputs,  // layer_input_dim * layers
  kQueryRank,       // of LatentSpec, and so on
  kLatentRank,
  kLatentAndRope,        // rank + rotated part: key_dim of the layer
  kLatentQuery,          // heads * key_dim
  kLatentPlainKey,       // key_dim - rotated
  kLatentValue,          // value_dim
  kLatentAttention,      // heads * value_dim
  kLatentKeysAndValues,  // heads * (plain key + value)
  kQueryAndGate,         // 2 * kQ
  kDeltaQkv,             // of DeltaNetSpec
  kDeltaValues,          // value_heads * value_dim
  kDeltaHeads,           // value_heads
  kTwiceDeltaHeads,
  kDeltaValueDim,
  kConvTaps,
  kThriceHidden,
};

enum class Need {
  kRequired,
  kOptional,
  // Required in some layers, absent from the others:
  kDenseLayers,         // with a dense feed-forward
  kExpertLayers,        // with experts
  kSharedExpertLayers,  // with a feed-forward beside experts
  kOwnKvLayers,         // with keys and values of their own
  kOwnValueLayers,      // with values that are not their keys
  kAttentionLayers,     // with attention, where others are recurrent
  kDeltaNetLayers,
  kShortConvLayers,
  kLayerInputs,  // all layers, and the model's own, of models with layer_input_dim
};

enum class Form {
  kMatrix,        // a Weight, in any type that the backend computes with
  kTable,         // a Weight that is only looked up
  kVector,        // small f32 parameters
  kLatentKeys,    // a Weight made of a part of the tensor (latent_split.h)
  kLatentValues,  // the same of its other part
};

struct TensorRule {
  Slot slot;
  std::string_view name;  // "blk.{}.x" for one tensor a layer
  std::array<Dim, 3> shape;
  Form form = Form::kMatrix;
  Need need = Need::kRequired;
  // Where a tensor of this name is there, a required tensor may be absent, and an optional one is
  // not read.
  std::string_view unless = {};
  bool per_sqrt_hidden = false;  // vectors: divided by the root of the hidden size when loaded
  bool transposed = false;       // vectors of two dimensions: with the second one innermost

  constexpr bool per_layer() const { return name.starts_with("blk."); }
};

// A vector of width `width`.
constexpr TensorRule vector_rule(Slot slot, std::string_view name, Dim width,
                                 Need need = Need::kRequired) {
  return {slot, name, {width, Dim::kOne, Dim::kOne}, Form::kVector, need};
}
// One vector of width `width` for each of `count`, as one run of numbers.
constexpr TensorRule vectors_rule(Slot slot, std::string_view name, Dim width, Dim count,
                                  Need need = Need::kRequired) {
  return {slot, name, {width, count, Dim::kOne}, Form::kVector, need};
}
// A matrix from `in` inputs to `out` outputs.
constexpr TensorRule matrix_rule(Slot slot, std::string_view name, Dim in, Dim out,
                                 Need need = Need::kRequired) {
  return {slot, name, {in, out, Dim::kOne}, Form::kMatrix, need};
}
// A table of `rows` vectors of width `width`.
constexpr TensorRule table_rule(Slot slot, std::string_view name, Dim width, Dim rows) {
  return {slot, name, {width, rows, Dim::kOne}, Form::kTable};
}
// A stack of matrices, one for each expert.
constexpr TensorRule experts_rule(Slot slot, std::string_view name, Dim in, Dim out) {
  return {slot, name, {in, out, Dim::kExperts}, Form::kMatrix, Need::kExpertLayers};
}

// The same tensor under other conditions, or under another name.
constexpr TensorRule with_need(TensorRule rule, Need need) {
  rule.need = need;
  return rule;
}
constexpr TensorRule optional(TensorRule rule) {
  return with_need(rule, Need::kOptional);
}
constexpr TensorRule unless(std::string_view other, TensorRule rule) {
  rule.unless = other;
  return rule;
}
constexpr TensorRule named(TensorRule rule, std::string_view name) {
  rule.name = name;
  return rule;
}

// Several lists of rules as one: join(kEmbeddingTensors, kAttentionTensors, one_more_rule).
namespace internal {
template <typename Part>
struct RuleCount;
template <>
struct RuleCount<TensorRule> {
  static constexpr size_t value = 1;
};
template <size_t N>
struct RuleCount<std::array<TensorRule, N>> {
  static constexpr size_t value = N;
};
constexpr TensorRule* append(TensorRule* to, const TensorRule& rule) {
  *to = rule;
  return to + 1;
}
template <size_t N>
constexpr TensorRule* append(TensorRule* to, const std::array<TensorRule, N>& rules) {
  for (const TensorRule& rule : rules) *to++ = rule;
  return to;
}
}  // namespace internal

template <typename... Parts>
constexpr auto join(const Parts&... parts) {
  std::array<TensorRule, (internal::RuleCount<Parts>::value + ...)> all{};
  TensorRule* to = all.data();
  ((to = internal::append(to, parts)), ...);
  return all;
}

}  // namespace chasqui::model
