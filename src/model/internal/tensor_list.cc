#include "model/internal/tensor_list.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <bitset>

#include "base/check.h"
#include "quant/quant_type.h"

namespace chasqui::model {
namespace {

std::string tensor_name(const TensorRule& rule, size_t layer) {
  return rule.per_layer() ? fmt::format(fmt::runtime(rule.name), layer) : std::string(rule.name);
}

// Whether layers like `layer` have the tensor at all.
bool applies(const TensorRule& rule, const ModelSpec& spec, const LayerSpec& layer) {
  switch (rule.need) {
    case Need::kRequired:
    case Need::kOptional:
      return true;
    case Need::kDenseLayers:
      return !layer.experts;
    case Need::kExpertLayers:
      return layer.experts;
    case Need::kSharedExpertLayers:
      return layer.experts && layer.shared_ffn > 0;
    case Need::kOwnKvLayers:
      return layer.owns_kv();
    case Need::kOwnValueLayers:
      return layer.owns_kv() && !layer.value_is_key;
    case Need::kAttentionLayers:
      return layer.mixer == Mixer::kAttention;
    case Need::kDeltaNetLayers:
      return layer.mixer == Mixer::kDeltaNet;
    case Need::kShortConvLayers:
      return layer.mixer == Mixer::kShortConv;
    case Need::kLayerInputs:
      return spec.layer_input_dim > 0;
  }
  return true;
}

// Whether the tensor is there that stands for this one.
bool is_replaced(const gguf::File& file, const TensorRule& rule, size_t layer) {
  if (rule.unless.empty()) return false;
  return file.find_tensor(fmt::format(fmt::runtime(rule.unless), layer)) != nullptr;
}

// The rope whose frequencies tensors divide.
const RopeSpec& rope_with_factors(const ModelSpec& spec) {
  for (const RopeSpec& rope : spec.ropes) {
    if (rope.factors != RopeFactors::kNone) return rope;
  }
  return spec.ropes.front();
}

// The size that `dim` stands for in `layer`.
int64_t dim_size(const ModelSpec& spec, const LayerSpec& layer, Dim dim) {
  switch (dim) {
    case Dim::kOne:
      return 1;
    case Dim::kAny:
      return kAnySize;
    case Dim::kHidden:
      return spec.hidden;
    case Dim::kVocab:
      return spec.vocab;
    case Dim::kPositions:
      return spec.max_positions;
    case Dim::kQ:
      return layer.q_width();
    case Dim::kK:
      return layer.k_width();
    case Dim::kV:
      return layer.v_width();
    case Dim::kQkv:
      return layer.qkv_width();
    case Dim::kKeyDim:
      return layer.key_dim;
    case Dim::kHeads:
      return layer.heads;
    case Dim::kKvHeads:
      return layer.kv_heads;
    case Dim::kAttention:
      return layer.attention_width();
    case Dim::kFfn:
      return layer.ffn;
    case Dim::kTwiceFfn:
      return 2 * layer.ffn;
    case Dim::kSharedFfn:
      return layer.shared_ffn;
    case Dim::kExperts:
      return spec.experts.count;
    case Dim::kRopePairs:
      return rope_with_factors(spec).rotated / 2;
    case Dim::kLayerInput:
      return spec.layer_input_dim;
    case Dim::kAllLayerInputs:
      return spec.layer_input_dim * static_cast<int64_t>(spec.layers.size());
    case Dim::kQueryRank:
      return spec.latent.query_rank;
    case Dim::kLatentRank:
      return spec.latent.rank;
    case Dim::kLatentAndRope:
      return layer.key_dim;
    case Dim::kLatentQuery:
      return layer.heads * spec.latent.key_dim;
    case Dim::kLatentPlainKey:
      return spec.latent.key_dim - (layer.key_dim - spec.latent.rank);
    case Dim::kLatentValue:
      return spec.latent.value_dim;
    case Dim::kLatentAttention:
      return layer.heads * spec.latent.value_dim;
    case Dim::kLatentKeysAndValues: {
      const int64_t plain = spec.latent.key_dim - (layer.key_dim - spec.latent.rank);
      return layer.heads * (plain + spec.latent.value_dim);
    }
    case Dim::kQueryAndGate:
      return 2 * layer.q_width();
    case Dim::kDeltaQkv:
      return spec.delta_net.qkv_width();
    case Dim::kDeltaValues:
      return spec.delta_net.value_width();
    case Dim::kDeltaHeads:
      return spec.delta_net.value_heads;
    case Dim::kTwiceDeltaHeads:
      return 2 * spec.delta_net.value_heads;
    case Dim::kDeltaValueDim:
      return spec.delta_net.value_dim;
    case Dim::kConvTaps:
      return spec.conv_taps;
    case Dim::kThriceHidden:
      return 3 * spec.hidden;
  }
  CHASQUI_CHECK(false, "dimension {}", static_cast<int>(dim));
}

std::string type_names() {
  std::vector<std::string_view> names;
  for (const quant::QuantType& type : quant::all_quant_types()) {
    names.push_back(dtype_info(type.type).name);
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

using FilledSlots = std::bitset<static_cast<size_t>(Slot::kCount)>;

// A tensor that layer code reads without asking, or the one that may stand instead.
struct NeededSlot {
  bool applies;
  Slot slot;
  Slot instead;
  std::string_view name;
};

// Tables say what an architecture's files have; metadata may still ask for blocks that the table
// does not know (experts in a dense model), or for both halves of two forms.
Status check_complete(const gguf::File& file, const ModelSpec& spec, size_t layer,
                      const FilledSlots& filled) {
  const LayerSpec& l = spec.layers[layer];
  const bool attention = l.mixer == Mixer::kAttention;
  const bool latent = l.mixer == Mixer::kLatentAttention;
  const bool low_rank = latent && spec.latent.query_rank > 0;
  const bool shared = l.experts && l.shared_ffn > 0;
  const NeededSlot needed[] = {
      {attention, Slot::kQuery, Slot::kQkv, "queries"},
      {attention && l.owns_kv(), Slot::kKey, Slot::kQkv, "keys"},
      {attention && l.owns_kv() && !l.value_is_key, Slot::kValue, Slot::kQkv, "values"},
      {latent && !low_rank, Slot::kQuery, Slot::kQuery, "queries"},
      {low_rank, Slot::kQueryDown, Slot::kQueryDown, "low-rank queries"},
      {low_rank, Slot::kQueryUp, Slot::kQueryUp, "low-rank queries"},
      {latent, Slot::kLatentKey, Slot::kLatentKey, "keys of latent vectors"},
      {latent, Slot::kLatentValue, Slot::kLatentValue, "values of latent vectors"},
      {!l.experts, Slot::kFfnUp, Slot::kFfnGateUp, "a dense feed-forward"},
      {!l.experts, Slot::kFfnDown, Slot::kFfnDown, "a dense feed-forward"},
      {l.experts, Slot::kRouter, Slot::kRouter, "a router of experts"},
      {l.experts, Slot::kExpertsUp, Slot::kExpertsGateUp, "experts"},
      {l.experts, Slot::kExpertsDown, Slot::kExpertsDown, "experts"},
      {shared, Slot::kSharedUp, Slot::kSharedUp, "a feed-forward beside experts"},
      {shared, Slot::kSharedDown, Slot::kSharedDown, "a feed-forward beside experts"},
  };
  const auto has = [&](Slot slot) { return filled.test(static_cast<size_t>(slot)); };
  for (const NeededSlot& need : needed) {
    if (!need.applies || has(need.slot) || has(need.instead)) continue;
    return fail(
        ErrorCode::kCorrupt,
        fmt::format("{}: by its metadata layer {} has {}, but there are no such tensors, or "
                    "{} models cannot have them",
                    file.path(), layer, need.name, spec.architecture));
  }
  return {};
}

}  // namespace

std::vector<ExpectedTensor> expected_tensors(const gguf::File& file,
                                             const Architecture& architecture,
                                             const ModelSpec& spec) {
  std::vector<ExpectedTensor> tensors;
  const auto add = [&](const TensorRule& rule, size_t layer) {
    const LayerSpec& of = spec.layers[layer];
    if (!applies(rule, spec, of)) return;
    const bool is_optional = rule.need == Need::kOptional;
    const bool replaced = is_replaced(file, rule, layer);
    if (is_optional && replaced) return;
    ExpectedTensor tensor{.rule = &rule, .layer = layer, .name = tensor_name(rule, layer)};
    for (size_t i = 0; i < rule.shape.size(); ++i) {
      tensor.shape[i] = dim_size(spec, of, rule.shape[i]);
    }
    tensor.may_be_absent = is_optional || replaced;
    tensors.push_back(std::move(tensor));
  };
  for (const TensorRule& rule : architecture.tensors) {
    if (!rule.per_layer()) add(rule, 0);
  }
  for (size_t layer = 0; layer < spec.layers.size(); ++layer) {
    for (const TensorRule& rule : architecture.tensors) {
      if (rule.per_layer()) add(rule, layer);
    }
  }
  return tensors;
}

Status check_tensor(const gguf::File& file, const ModelSpec& spec, const ExpectedTensor& expected) {
  const gguf::Tensor* tensor = file.find_tensor(expected.name);
  if (tensor == nullptr) {
    if (expected.may_be_absent) return {};
    return fail(ErrorCode::kNotFound,
                fmt::format("{} lacks the tensor {}, which every {} model has", file.path(),
                            expected.name, spec.architecture));
  }
  const auto& dims = tensor->view.dims;
  std::array<int64_t, 3> shape = expected.shape;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == kAnySize) shape[i] = dims[i];
  }
  if (!std::equal(shape.begin(), shape.end(), dims.begin()) || dims[3] != 1) {
    return fail(
        ErrorCode::kCorrupt,
        fmt::format("{}: tensor {} has shape [{}], but the metadata asks for [{}]", file.path(),
                    expected.name, fmt::join(dims.begin(), dims.begin() + 3, ", "),
                    fmt::join(shape, ", ")));
  }
  if (quant::find_quant_type(tensor->view.type) != nullptr) return {};
  return fail(
      ErrorCode::kUnsupported,
      fmt::format("{}: tensor {} has type {}, which cannot be computed with; types that can "
                  "are: {}",
                  file.path(), expected.name, dtype_info(tensor->view.type).name, type_names()));
}

Status check_tensors(const gguf::File& file, const Architecture& architecture,
                     const ModelSpec& spec) {
  std::vector<FilledSlots> filled(spec.layers.size());
  for (const ExpectedTensor& tensor : expected_tensors(file, architecture, spec)) {
    CHASQUI_TRY_STATUS(check_tensor(file, spec, tensor));
    if (file.find_tensor(tensor.name) != nullptr) {
      filled[tensor.layer].set(static_cast<size_t>(tensor.rule->slot));
    }
  }
  for (size_t layer = 0; layer < spec.layers.size(); ++layer) {
    CHASQUI_TRY_STATUS(check_complete(file, spec, layer, filled[layer]));
  }
  return {};
}

}  // namespace chasqui::model
