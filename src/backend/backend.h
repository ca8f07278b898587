// A device that can hold weights and a KV cache and carry out the operations of ops.h.
//
// Ops return when their results may be read by the next op of the same backend; the caller issues
// them from one thread (the engine's). prepare() and allocation are for start-up. Argument errors
// are bugs of the caller and CHECKed; user data was validated before it came here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "backend/ops.h"
#include "backend/recurrent_ops.h"
#include "base/result.h"
#include "base/thread_team.h"
#include "tensor/buffer.h"
#include "tensor/tensor_view.h"

namespace chasqui::backend {

// A matrix (or a stack of `experts` equal matrices) in the form that its backend computes with.
// Immutable. May refer to the bytes of the model file, which must outlive it.
class Weight {
 public:
  virtual ~Weight() = default;
  DType type() const { return type_; }
  int64_t rows() const { return rows_; }  // outputs
  int64_t cols() const { return cols_; }  // inputs
  int64_t experts() const { return experts_; }
  // The host memory that ops read it from: of the backend, or in the model file. Empty when it lies
  // on a device.
  virtual std::span<const std::byte> host_memory() const { return {}; }

 protected:
  Weight(const TensorView& view)
      : type_(view.type), rows_(view.dims[1]), cols_(view.dims[0]), experts_(view.dims[2]) {}

 private:
  DType type_;
  int64_t rows_;
  int64_t cols_;
  int64_t experts_;
};

// One layer's keys and values, in blocks of kKvBlockTokens tokens, written and read only by ops.
struct KvSpec {
  int64_t blocks = 0;
  int64_t kv_heads = 0;
  int64_t key_dim = 0;
  int64_t value_dim = 0;
  DType key_type = DType::kF16;  // F32 and F16 on every backend; others as supports_kv_type says
  DType value_type = DType::kF16;
};
class KvPool {
 public:
  virtual ~KvPool() = default;
  const KvSpec& spec() const { return spec_; }
  // Bytes of one block, keys and values together.
  virtual int64_t block_bytes() const = 0;
  // Copies a block out of or into host memory of block_bytes() bytes (cache tiers).
  virtual void read_block(int32_t block, std::byte* to) const = 0;
  virtual void write_block(int32_t block, const std::byte* from) = 0;
  virtual void copy_block(int32_t from, int32_t to) = 0;

 protected:
  explicit KvPool(const KvSpec& spec) : spec_(spec) {}

 private:
  KvSpec spec_;
};

// One recurrent layer's states (recurrent_ops.h), read and written by ops. What a state holds
// before an op wrote it is never read.
struct StateSpec {
  int64_t states = 0;
  int64_t floats = 0;  // of one state
};
class StatePool {
 public:
  virtual ~StatePool() = default;
  const StateSpec& spec() const { return spec_; }

 protected:
  explicit StatePool(const StateSpec& spec) : spec_(spec) {}

 private:
  StateSpec spec_;
};

// How a weight will be used; decides its form.
enum class WeightUse {
  kMatrix,  // linear, expert_linear
  kTable,   // embed
};

class Backend {
 public:
  virtual ~Backend() = default;

  // "cpu-avx512", "reference", ...: for logs and bench output.
  virtual std::string name() const = 0;

  // The calling thread is the one that will issue ops from now on: it is bound to its processor
  // where the backend binds threads. Threads that it starts afterwards inherit that.
  virtual void adopt_thread() {}

  // Times of the loops of ops from now on (ThreadTeam::measure_loops), for backends that have a
  // team; all 0 for the others. Called by the thread that issues ops.
  virtual void measure_loops() {}
  virtual LoopTimes loop_times() const { return {}; }

  // Prepares a tensor of the model file for computing. kUnsupported names the tensor and its type
  // when this backend cannot compute with it; kResourceExhausted when memory is short.
  virtual Result<std::unique_ptr<Weight>> prepare(const TensorView& view, WeightUse use,
                                                  std::string_view tensor_name) = 0;
  virtual Result<std::unique_ptr<KvPool>> allocate_kv(const KvSpec& spec) = 0;
  virtual Result<std::unique_ptr<StatePool>> allocate_states(const StateSpec& spec) = 0;
  // Zeroed memory for activations and for small f32 parameters (norm weights, biases).
  virtual Result<Buffer> allocate(size_t bytes) = 0;
  virtual bool supports_kv_type(DType type) const = 0;

  // The mandatory ops; ops.h and recurrent_ops.h say what each computes.
  virtual void embed(const EmbedArgs& args) = 0;
  virtual void linear(const LinearArgs& args) = 0;
  virtual void norm(const NormArgs& args) = 0;
  virtual void rope(const RopeArgs& args) = 0;
  virtual void store_kv(const StoreKvArgs& args) = 0;
  virtual void attention(const AttentionArgs& args) = 0;
  virtual void activation(const ActivationArgs& args) = 0;
  virtual void add(const AddArgs& args) = 0;
  virtual void scale_rows(const ScaleRowsArgs& args) = 0;
  virtual void copy(const CopyArgs& args) = 0;
  virtual void route_experts(const RouteArgs& args) = 0;
  virtual void expert_linear(const ExpertLinearArgs& args) = 0;
  virtual void combine_experts(const CombineArgs& args) = 0;
  virtual void gather_rows(const GatherArgs& args) = 0;
  virtual void conv_update(const ConvUpdateArgs& args) = 0;
  virtual void delta_rule(const DeltaRuleArgs& args) = 0;

  // Copies results to host memory: `count` floats.
  virtual void read(const float* from, float* to, int64_t count) = 0;
};

// The slow, obviously right twin of every backend: scalar f32 arithmetic with double-precision
// accumulation where it is cheap, weights decoded row by row. Single-threaded. Tests compare
// against it; `--exact` on an unknown machine may use it.
std::unique_ptr<Backend> make_reference_backend();

}  // namespace chasqui::backend
