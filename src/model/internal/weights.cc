#include "model/internal/weights.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/check.h"
#include "quant/quant_type.h"

namespace chasqui::model {
namespace {

std::string tensor_name(const TensorRule& rule, size_t layer) {
  return rule.per_layer() ? fmt::format(fmt::runtime(rule.name), layer) : std::string(rule.name);
}

// Whether layers like `layer` have the tensor at all.
bool applies(const TensorRule& rule, const LayerSpec& layer) {
  if (rule.need == Need::kDenseLayers) return !layer.experts;
  if (rule.need == Need::kExpertLayers) return layer.experts;
  return true;
}

// Calls fn(rule, layer number, layer spec) for every tensor that the model may have, in the order
// of the layers; stops at the first error.
template <typename Fn>
Status for_each_tensor(const Architecture& architecture, const ModelSpec& spec, const Fn& fn) {
  for (const TensorRule& rule : architecture.tensors) {
    if (rule.per_layer()) continue;
    CHASQUI_TRY_STATUS(fn(rule, size_t{0}, spec.layers.front()));
  }
  for (size_t layer = 0; layer < spec.layers.size(); ++layer) {
    for (const TensorRule& rule : architecture.tensors) {
      if (!rule.per_layer() || !applies(rule, spec.layers[layer])) continue;
      CHASQUI_TRY_STATUS(fn(rule, layer, spec.layers[layer]));
    }
  }
  return {};
}

Status check_tensor(const gguf::File& file, const ModelSpec& spec, const TensorRule& rule,
                    size_t layer) {
  const std::string name = tensor_name(rule, layer);
  const gguf::Tensor* tensor = file.find_tensor(name);
  if (tensor == nullptr) {
    if (rule.need == Need::kOptional) return {};
    return fail(ErrorCode::kNotFound,
                fmt::format("{} lacks the tensor {}, which every {} model has", file.path(), name,
                            spec.architecture));
  }
  std::vector<int64_t> expected;
  for (const Dim dim : rule.shape) {
    expected.push_back(dim_size(spec, spec.layers[layer], dim));
  }
  const auto& dims = tensor->view.dims;
  if (std::equal(expected.begin(), expected.end(), dims.begin()) && dims[3] == 1) return {};
  return fail(
      ErrorCode::kCorrupt,
      fmt::format("{}: tensor {} has shape [{}], but the metadata asks for [{}]", file.path(), name,
                  fmt::join(dims.begin(), dims.begin() + 3, ", "), fmt::join(expected, ", ")));
}

Status load_vector(const gguf::Tensor& tensor, backend::Backend& backend, Loaded& slot) {
  const auto count = static_cast<size_t>(tensor.view.elements());
  if (quant::find_quant_type(tensor.view.type) == nullptr) {
    return fail(ErrorCode::kUnsupported,
                fmt::format("tensor {} has type {}, which cannot be read as numbers", tensor.name,
                            dtype_info(tensor.view.type).name));
  }
  CHASQUI_TRY(slot.storage, backend.allocate(count * sizeof(float)));
  quant::decode_row(tensor.view.type, tensor.view.bytes.data(),
                    std::span(slot.storage.as<float>(), count));
  slot.vector = slot.storage.as<float>();
  return {};
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
      return 1;
    case Dim::kHidden:
      return spec.hidden;
    case Dim::kVocab:
      return spec.vocab;
    case Dim::kQ:
      return layer.q_width();
    case Dim::kK:
      return layer.k_width();
    case Dim::kV:
      return layer.v_width();
    case Dim::kAttention:
      return layer.attention_width();
    case Dim::kFfn:
      return layer.ffn;
    case Dim::kExperts:
      return spec.experts.count;
    case Dim::kRopePairs:
      return spec.ropes.front().rotated / 2;
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
    if (auto loaded = load_tensor(*tensor, rule.form, backend, set.at(rule.slot)); !loaded) {
      return fail(loaded.error().code, file.path() + ": " + loaded.error().message);
    }
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
