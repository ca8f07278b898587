#include "backend/host_states.h"

#include <fmt/format.h>

#include "base/check.h"
#include "base/checked_math.h"

namespace chasqui::backend {

Result<std::unique_ptr<StatePool>> HostStatePool::allocate(const StateSpec& spec) {
  CHASQUI_CHECK(spec.states >= 0 && spec.floats > 0, "{} states of {} floats", spec.states,
                spec.floats);
  const auto floats =
      checked_mul(static_cast<uint64_t>(spec.states), static_cast<uint64_t>(spec.floats));
  const auto bytes = floats ? checked_mul(*floats, sizeof(float)) : floats;
  if (!bytes) {
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("{} recurrent states of {} floats", spec.states, spec.floats));
  }
  CHASQUI_TRY(Buffer memory, Buffer::allocate(*bytes));
  return std::make_unique<HostStatePool>(spec, std::move(memory));
}

float* state_at(const StatePart& part, int32_t state) {
  const auto* pool = dynamic_cast<const HostStatePool*>(part.pool);
  CHASQUI_CHECK(pool != nullptr, "a state pool of another backend");
  return pool->at(state) + part.begin;
}

const float* state_before(const StatePart& part, const SequenceSlice& slice) {
  if (slice.kv_begin == 0 || slice.row_count == 0) return nullptr;
  const int64_t block = (slice.kv_begin - 1) / kKvBlockTokens;
  return state_at(part, slice.block_table[static_cast<size_t>(block)]);
}

}  // namespace chasqui::backend
