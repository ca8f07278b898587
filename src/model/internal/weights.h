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
  Buffer storage;  // of the vector, in the backend's memory, or what the matrix was made of
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

// Prepares the tensors of the file. REQUIRES: check_tensors() (tensor_list.h) passed.
Result<Weights> load_weights(const gguf::File& file, const Architecture& architecture,
                             const ModelSpec& spec, backend::Backend& backend,
                             const LoadProgress& progress);

}  // namespace chasqui::model
