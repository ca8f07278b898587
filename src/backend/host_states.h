// States in host memory, for backends that compute there, and the walk over them that
// recurrent_ops.h describes.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>

#include "backend/backend.h"
#include "base/result.h"
#include "tensor/buffer.h"

namespace chasqui::backend {

class HostStatePool final : public StatePool {
 public:
  HostStatePool(const StateSpec& spec, Buffer memory)
      : StatePool(spec), memory_(std::move(memory)) {}
  // kResourceExhausted when memory is short.
  static Result<std::unique_ptr<StatePool>> allocate(const StateSpec& spec);

  // [spec().floats]. REQUIRES: 0 <= state < spec().states.
  float* at(int32_t state) const { return memory_.as<float>() + state * spec().floats; }
  std::span<std::byte> bytes() { return {memory_.data(), memory_.size()}; }

 private:
  Buffer memory_;
};

// The part as the op that owns it sees it: where state `state` of the pool begins. REQUIRES: a
// HostStatePool.
float* state_at(const StatePart& part, int32_t state);

// The state that a slice continues, or null: it begins with zeros.
const float* state_before(const StatePart& part, const SequenceSlice& slice);

// Rows of a slice that lie in one block.
struct StateRun {
  int64_t row = 0;       // of the batch
  int64_t position = 0;  // of that row
  int64_t count = 0;
  float* after = nullptr;  // where the state after them belongs; null: nowhere
};

// Calls fn(run) for the runs of a slice, in order.
template <typename Fn>
void for_runs(const StatePart& part, const SequenceSlice& slice, const Fn& fn) {
  const int64_t end = slice.kv_begin + slice.row_count;
  for (int64_t p = slice.kv_begin; p < end;) {
    const int64_t block = p / kKvBlockTokens;
    const int64_t next = std::min(end, (block + 1) * kKvBlockTokens);
    const int32_t state = slice.block_table[static_cast<size_t>(block)];
    fn(StateRun{slice.row_begin + p - slice.kv_begin, p, next - p,
                state < 0 ? nullptr : state_at(part, state)});
    p = next;
  }
}

}  // namespace chasqui::backend
