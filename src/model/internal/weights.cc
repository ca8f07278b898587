#include "model/internal/weights.h"

#include <cmath>

#include "model/internal/common_tensors.h"
#include "model/internal/latent_split.h"
#include "model/internal/tensor_list.h"
#include "quant/quant_type.h"

namespace chasqui::model {
namespace {

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

bool lies_in(std::span<const std::byte> memory, const Buffer& buffer) {
  return !memory.empty() && memory.data() >= buffer.data() &&
         memory.data() < buffer.data() + buffer.size();
}

// A part of the matrix that makes the keys and values of latent attention.
Status load_latent_part(const gguf::Tensor& tensor, Form form, const LatentHeads& heads,
                        backend::Backend& backend, Loaded& slot) {
  const bool is_keys = form == Form::kLatentKeys;
  CHASQUI_TRY(SplitPart part,
              is_keys ? split_keys(tensor.view, heads) : split_values(tensor.view, heads));
  const std::string name = std::string(tensor.name) + (is_keys ? ".keys" : ".values");
  CHASQUI_TRY(slot.matrix, backend.prepare(part.view, backend::WeightUse::kMatrix, name));
  // Backends that pack have their own copy; others read from here.
  const auto memory = slot.matrix->host_memory();
  if (memory.empty() || lies_in(memory, part.bytes)) slot.storage = std::move(part.bytes);
  return {};
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

LatentHeads latent_heads(const ModelSpec& spec, size_t layer) {
  const int64_t rotated = spec.layers[layer].key_dim - spec.latent.rank;
  return {spec.layers[layer].heads, spec.latent.key_dim - rotated, spec.latent.value_dim};
}

}  // namespace

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
  for (const ExpectedTensor& expected : expected_tensors(file, architecture, spec)) {
    const gguf::Tensor* tensor = file.find_tensor(expected.name);
    if (tensor == nullptr) continue;
    const TensorRule& rule = *expected.rule;
    SlotSet& set = rule.per_layer() ? weights.layers[expected.layer] : weights.global;
    Loaded& slot = set.at(rule.slot);
    const bool is_part = rule.form == Form::kLatentKeys || rule.form == Form::kLatentValues;
    if (auto loaded = is_part ? load_latent_part(*tensor, rule.form,
                                                 latent_heads(spec, expected.layer), backend, slot)
                              : load_tensor(*tensor, rule.form, backend, slot);
        !loaded) {
      return fail(loaded.error().code, file.path() + ": " + loaded.error().message);
    }
    if (rule.transposed) transpose(slot, tensor->view);
    if (rule.per_sqrt_hidden) divide(slot, tensor->view.elements(), std::sqrt(spec.hidden));
    // One by one: at the end the file and its packed copy would be in memory together.
    file.release(*tensor);
    done += static_cast<double>(tensor->view.bytes.size());
    if (progress) progress(done / total);
  }
  if (spec.causal && !weights.global.at(Slot::kOutput).present()) {
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
      if (slot.vector != nullptr) memory.push_back({slot.storage.data(), slot.storage.size()});
    }
  };
  add(global);
  for (const SlotSet& layer : layers) add(layer);
  return memory;
}

}  // namespace chasqui::model
