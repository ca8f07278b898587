#include "model/internal/weights.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>

#include "base/check.h"
#include "model/internal/common_tensors.h"
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

bool may_be_absent(const gguf::File& file, const TensorRule& rule, size_t layer) {
  if (rule.need == Need::kOptional) return true;
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

// Calls fn(rule, layer number, layer spec) for every tensor that the model may have, in the order
// of the layers; stops at the first error.
template <typename Fn>
Status for_each_tensor(const Architecture& architecture, const ModelSpec& spec, const Fn& fn) {
  for (const TensorRule& rule : architecture.tensors) {
    if (rule.per_layer() || !applies(rule, spec, spec.layers.front())) continue;
    CHASQUI_TRY_STATUS(fn(rule, size_t{0}, spec.layers.front()));
  }
  for (size_t layer = 0; layer < spec.layers.size(); ++layer) {
    for (const TensorRule& rule : architecture.tensors) {
      if (!rule.per_layer() || !applies(rule, spec, spec.layers[layer])) continue;
      CHASQUI_TRY_STATUS(fn(rule, layer, spec.layers[layer]));
    }
  }
  return {};
}

std::string type_names() {
  std::vector<std::string_view> names;
  for (const quant::QuantType& type : quant::all_quant_types()) {
    names.push_back(dtype_info(type.type).name);
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

Status check_tensor(const gguf::File& file, const ModelSpec& spec, const TensorRule& rule,
                    size_t layer) {
  const std::string name = tensor_name(rule, layer);
  const gguf::Tensor* tensor = file.find_tensor(name);
  if (tensor == nullptr) {
    if (may_be_absent(file, rule, layer)) return {};
    return fail(ErrorCode::kNotFound,
                fmt::format("{} lacks the tensor {}, which every {} model has", file.path(), name,
                            spec.architecture));
  }
  std::vector<int64_t> expected;
  for (const Dim dim : rule.shape) {
    expected.push_back(dim_size(spec, spec.layers[layer], dim));
  }
  const auto& dims = tensor->view.dims;
  for (size_t i = 0; i < expected.size(); ++i) {
    if (rule.shape[i] == Dim::kAny) expected[i] = dims[i];
  }
  if (!std::equal(expected.begin(), expected.end(), dims.begin()) || dims[3] != 1) {
    return fail(ErrorCode::kCorrupt,
                fmt::format("{}: tensor {} has shape [{}], but the metadata asks for [{}]",
                            file.path(), name, fmt::join(dims.begin(), dims.begin() + 3, ", "),
                            fmt::join(expected, ", ")));
  }
  if (quant::find_quant_type(tensor->view.type) != nullptr) return {};
  return fail(
      ErrorCode::kUnsupported,
      fmt::format("{}: tensor {} has type {}, which cannot be computed with; types that can "
                  "are: {}",
                  file.path(), name, dtype_info(tensor->view.type).name, type_names()));
}

Status load_vector(const gguf::Tensor& tensor, backend::Backend& backend, Loaded& slot) {
  const auto count = static_cast<size_t>(tensor.view.elements());
  CHASQUI_TRY(slot.storage, backend.allocate(count * sizeof(float)));
  quant::decode_row(tensor.view.type, tensor.view.bytes.data(),
                    std::span(slot.storage.as<float>(), count));
  slot.vector = slot.storage.as<float>();
  return {};
}

void divide(Loaded& slot, int64_t count, double divisor) {
  for (float& value : std::span(slot.storage.as<float>(), static_cast<size_t>(count))) {
    value = static_cast<float>(value / divisor);
  }
}

void transpose(Loaded& slot, const TensorView& view) {
  float* values = slot.storage.as<float>();
  const std::vector<float> from(values, values + view.elements());
  const int64_t inner = view.dims[0];
  const int64_t outer = view.dims[1];
  for (int64_t i = 0; i < inner; ++i) {
    for (int64_t o = 0; o < outer; ++o) {
      values[i * outer + o] = from[static_cast<size_t>(o * inner + i)];
    }
  }
}

Status load_tensor(const gguf::Tensor& tensor, Form form, backend::Backend& backend, Loaded& slot) {
  if (form == Form::kVector) return load_vector(tensor, backend, slot);
  const auto use = form == Form::kTable ? backend::WeightUse::kTable : backend::WeightUse::kMatrix;
  CHASQUI_TRY(slot.matrix, backend.prepare(tensor.view, use, tensor.name));
  return {};
}

}  // namespace

int64_t dim_size(const ModelSpec& spec, const LayerSpec& layer, Dim dim) {
  switch (dim) {
    case Dim::kOne:
    case Dim::kAny:
      return 1;
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

Status check_tensors(const gguf::File& file, const Architecture& architecture,
                     const ModelSpec& spec) {
  return for_each_tensor(architecture, spec,
                         [&](const TensorRule& rule, size_t layer, const LayerSpec&) {
                           return check_tensor(file, spec, rule, layer);
                         });
}

Result<Weights> load_weights(const gguf::File& file, const Architecture& architecture,
                             const ModelSpec& spec, backend::Backend& backend,
                             const LoadProgress& progress) {
  Weights weights;
  weights.layers.resize(spec.layers.size());
  double total = 1;  // never divides by zero
  for (const gguf::Tensor& tensor : file.tensors()) {
    total += static_cast<double>(tensor.view.bytes.size());
  }
  double done = 0;
  const auto load = [&](const TensorRule& rule, size_t layer, const LayerSpec&) -> Status {
    const gguf::Tensor* tensor = file.find_tensor(tensor_name(rule, layer));
    if (tensor == nullptr) return {};
    SlotSet& set = rule.per_layer() ? weights.layers[layer] : weights.global;
    Loaded& slot = set.at(rule.slot);
    if (auto loaded = load_tensor(*tensor, rule.form, backend, slot); !loaded) {
      return fail(loaded.error().code, file.path() + ": " + loaded.error().message);
    }
    if (rule.transposed) transpose(slot, tensor->view);
    if (rule.per_sqrt_hidden) divide(slot, tensor->view.elements(), std::sqrt(spec.hidden));
    // One by one: at the end the file and its packed copy would be in memory together.
    file.release(*tensor);
    done += static_cast<double>(tensor->view.bytes.size());
    if (progress) progress(done / total);
    return {};
  };
  CHASQUI_TRY_STATUS(for_each_tensor(architecture, spec, load));
  if (!weights.global.at(Slot::kOutput).present()) {
    // Tied: the embedding table is the output matrix too, in the form for products.
    const gguf::Tensor* table = file.find_tensor(kTokenEmbedding.name);
    CHASQUI_TRY_STATUS(
        load_tensor(*table, Form::kMatrix, backend, weights.global.at(Slot::kOutput)));
    file.release(*table);
  }
  if (progress) progress(1.0);
  return weights;
}

std::vector<std::span<const std::byte>> Weights::host_memory() const {
  std::vector<std::span<const std::byte>> memory;
  const auto add = [&](const SlotSet& set) {
    for (const Loaded& slot : set.all()) {
      if (slot.matrix != nullptr) memory.push_back(slot.matrix->host_memory());
      if (slot.storage.size() > 0) memory.push_back({slot.storage.data(), slot.storage.size()});
    }
  };
  add(global);
  for (const SlotSet& layer : layers) add(layer);
  return memory;
}

}  // namespace chasqui::model
