// Figures that the engine thread writes and any thread reads. Each is atomic by itself; a reader
// may see one from this step and another from the last, which statistics can bear.
#pragma once

#include <atomic>
#include <cstdint>

#include "engine/engine.h"

namespace chasqui::engine {

class Counters {
 public:
  // Engine thread only: a plain load and store, no read-modify-write.
  using Field = std::atomic<int64_t>;
  static void set(Field& field, int64_t value) { field.store(value, std::memory_order_relaxed); }
  static void add(Field& field, int64_t value) {
    field.store(field.load(std::memory_order_relaxed) + value, std::memory_order_relaxed);
  }

  Field running{0};
  Field blocks_total{0};
  Field cache_bytes{0};
  Field blocks_in_use{0};
  Field blocks_cached{0};
  Field steps{0};
  Field preemptions{0};
  Field prompt_tokens{0};
  Field cached_prompt_tokens{0};
  Field completion_tokens{0};
  Field drafted_tokens{0};
  Field accepted_tokens{0};
  std::atomic<double> last_step_seconds{0.0};

  // Any thread. `waiting` is left 0: those in the inbox are counted elsewhere.
  EngineStats snapshot() const {
    constexpr auto kRelaxed = std::memory_order_relaxed;
    EngineStats stats;
    stats.running = running.load(kRelaxed);
    stats.blocks_total = blocks_total.load(kRelaxed);
    stats.cache_bytes = cache_bytes.load(kRelaxed);
    stats.blocks_in_use = blocks_in_use.load(kRelaxed);
    stats.blocks_cached = blocks_cached.load(kRelaxed);
    stats.steps = steps.load(kRelaxed);
    stats.preemptions = preemptions.load(kRelaxed);
    stats.prompt_tokens = prompt_tokens.load(kRelaxed);
    stats.cached_prompt_tokens = cached_prompt_tokens.load(kRelaxed);
    stats.completion_tokens = completion_tokens.load(kRelaxed);
    stats.drafted_tokens = drafted_tokens.load(kRelaxed);
    stats.accepted_tokens = accepted_tokens.load(kRelaxed);
    stats.last_step_seconds = last_step_seconds.load(kRelaxed);
    return stats;
  }
};

}  // namespace chasqui::engine
