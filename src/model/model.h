// A model: its spec, its weights on a backend, its cache memory, and the forward pass. One thread
// at a time may call forward() (the engine's); everything else is constant after load.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "backend/backend.h"
#include "base/result.h"
#include "gguf/file.h"
#include "model/model_spec.h"
#include "model/step_inputs.h"
#include "tensor/cache_spec.h"

namespace chasqui::model {

// What a user may say against the file's metadata.
struct RopeOverrides {
  std::optional<RopeScaling> scaling;
  std::optional<double> base;    // rope_freq_base
  std::optional<double> factor;  // 1 / rope_freq_scale
  std::optional<double> yarn_extrapolation;
  std::optional<double> attention_factor;
  std::optional<double> yarn_beta_fast;
  std::optional<double> yarn_beta_slow;
  std::optional<int64_t> original_context;
};

struct LoadOptions {
  int64_t max_rows = 512;       // most rows of one step
  int64_t context = 0;          // tokens that a sequence may have; 0: what it was trained with
  int64_t max_logit_rows = 64;  // most rows of one step that ask for logits
  RopeOverrides rope;
  std::function<void(double done)> progress;  // 0 to 1; may be empty
};

struct CacheOptions {
  std::vector<int64_t> blocks;  // for each cache group
  DType key_type = DType::kF16;
  DType value_type = DType::kF16;
};

// Reads and checks the metadata alone; costs no memory to speak of. kUnsupported names an unknown
// architecture and lists the known ones.
Result<ModelSpec> read_spec(const gguf::File& file);

class Model {
 public:
  // Errors name the file and the key or tensor. `file` and `backend` must outlive the model.
  static Result<std::unique_ptr<Model>> load(const gguf::File& file, backend::Backend& backend,
                                             const LoadOptions& options);
  ~Model();

  const ModelSpec& spec() const;
  const LoadOptions& options() const;

  // The host memory that forward() reads weights from (backend.h), in no order; parts may lie in
  // the model file.
  std::vector<std::span<const std::byte>> weight_memory() const;

  // One entry for each cache group; bytes_per_block for the given types. A block of the group with
  // recurrent states (CacheSpec::state_every_tokens) is one state.
  std::vector<CacheSpec> cache_groups(DType key_type, DType value_type) const;
  // Must be called once before forward().
  Status allocate_cache(const CacheOptions& options);
  int64_t cache_blocks(int group) const;

  // One block of a group in all its layers, one after another, as bytes of the backend's own: they
  // mean the same only to a cache of the same model, types and backend. After allocate_cache().
  // REQUIRES of all three: no group of recurrent states.
  int64_t block_bytes(int group) const;
  void read_block(int group, int32_t block, std::span<std::byte> to) const;
  void write_block(int group, int32_t block, std::span<const std::byte> from);

  // What becomes of pooled hidden states [hidden]: the embedding that the model gives (most give
  // them as they are), and the logits of a model with a ranking head. Between two forward()s.
  int64_t embedding_size() const;
  int64_t rank_outputs() const;  // 0: no such head
  std::vector<float> finish_embedding(std::vector<float> pooled) const;
  std::vector<float> rank(std::vector<float> pooled) const;

  // REQUIRES: inputs as step_inputs.h says, rows <= max_rows, logit_rows <= max_logit_rows,
  // hidden_rows <= max_rows; of an encoder whole texts and no logit rows. A row's results depend
  // only on its own sequence.
  StepOutputs forward(const StepInputs& inputs);

 private:
  struct Impl;
  explicit Model(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace chasqui::model
