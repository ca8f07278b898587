// Matrices in the form that linear() and expert_linear() compute with, and the store that makes
// them. One store per backend; prepare() is for start-up and called from one thread.
#pragma once

#include <memory>
#include <string_view>

#include "backend/backend.h"
#include "backend/cpu/cpu_backend.h"
#include "backend/cpu/cpu_context.h"
#include "backend/cpu/pack_cache.h"
#include "base/result.h"
#include "tensor/arena.h"

namespace chasqui::backend::cpu {

class WeightStore {
 public:
  // `context` outlives the store; its team packs in parallel.
  WeightStore(CpuContext& context, const CpuOptions& options);
  ~WeightStore();

  // See Backend::prepare, for WeightUse::kMatrix.
  Result<std::unique_ptr<Weight>> prepare(const TensorView& view, std::string_view tensor_name);

 private:
  // Writes the packed form of all experts to `to`, in parallel.
  void pack(const TensorView& view, std::byte* to);

  CpuContext& context_;
  const bool decode_;  // compute from the model file, no packing
  PackCache cache_;
  Arena arena_;  // the packed matrices that are not in the cache
};

}  // namespace chasqui::backend::cpu
