// The loaded tensors of a model, by slot. Immutable after load.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "base/result.h"
#include "gguf/file.h"
#include "model/arch/architecture.h"
#include "model/internal/tensor_rules.h"
#include "model/model_spec.h"

namespace chasqui::model {

// What stands in one slot: a matrix, a vector, or nothing.
struct Loaded {
  std::unique_ptr<backend::Weight> matrix;
  Buffer storage;  // of the vector, in the backend's memory
  const float* vector = nullptr;

  bool present() const { return matrix != nullptr || vector != nullptr; }
};

class SlotSet {
 public:
  const backend::Weight* matrix(Slot slot) const { return at(slot).matrix.get(); }
  // Null for Slot::kCount, which stands for "no slot".
  const float* vector(Slot slot) const { return slot == Slot::kCount ? nullptr : at(slot).vector; }
  const Loaded& at(Slot slot) const { return slots_[static_cast<size_t>(slot)]; }
  Loaded& at(Slot slot) { return slots_[static_cast<size_t>(slot)]; }
  std::span<const Loaded> all() const { return slots_; }

 private:
  std::array<Loaded, static_cast<size_t>(Slot::kCount)> slots_;
};

struct Weights {
  SlotSet global;
  std::vector<SlotSet> layers;

  // Of all tensors together, see Weight::host_memory().
  std::vector<std::span<const std::byte>> host_memory() const;
};

// Called with the share of the tensors' bytes that is ready, 0 to 1, from the loading thread.
using LoadProgress = std::function<void(double done)>;

// The size that `dim` stands for in layer `layer` (any layer for global tensors).
int64_t dim_size(const ModelSpec& spec, const LayerSpec& layer, Dim dim);

// Checks that every tensor that the rules ask for is there and has its shape, before any memory
// is spent. Errors name file and tensor, the shape found and the shape expected.
Status check_tensors(const gguf::File& file, const Architecture& architecture,
                     const ModelSpec& spec);

// Prepares them. REQUIRES: check_tensors() passed.
Result<Weights> load_weights(const gguf::File& file, const Architecture& architecture,
                             const ModelSpec& spec, backend::Backend& backend,
                             const LoadProgress& progress);

}  // namespace chasqui::model
