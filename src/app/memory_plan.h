// What a model will take up, from its metadata alone.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "app/settings.h"
#include "gguf/file.h"
#include "model/model_spec.h"

namespace chasqui::app {

struct MemoryPlan {
  uint64_t weight_bytes = 0;  // of all tensors, as in the file
  uint64_t parameters = 0;
  // Over the layers that see everything, types as the settings say.
  uint64_t kv_bytes_per_token = 0;
  uint64_t windowed_kv_bytes = 0;  // of the layers with sliding windows; 0 until add_windows()
  uint64_t state_bytes = 0;        // of recurrent layers, for all requests together
  uint64_t machine_bytes = 0;      // memory of this machine
  int64_t tokens_that_fit = 0;     // cache tokens that fit beside weights and scratch memory
};

MemoryPlan plan_memory(const gguf::File& file, const model::ModelSpec& spec,
                       const Settings& settings);

// Adds what layers with sliding windows take in a cache of `tokens` tokens (cache_tokens(), which
// does not depend on it).
void add_windows(MemoryPlan& plan, const model::ModelSpec& spec, int64_t tokens,
                 const Settings& settings);

// What a model and the one that guesses for it take up, with caches for equally many tokens;
// `parameters` are the model's.
MemoryPlan together(const MemoryPlan& model, const MemoryPlan& draft);

// Blocks of a cache group for `tokens` tokens: all of them, or, with a window, what the requests
// that run at once can see of theirs, and as much again for prefixes to be found in.
int64_t group_blocks(int64_t window, int64_t tokens, const Settings& settings);

// States of a model with recurrent layers that the cache will hold: for the requests that run at
// once, and more for prefixes to be found in, within an eighth of the machine's memory.
int64_t state_count(const model::ModelSpec& spec, const Settings& settings);

// Tokens that the cache will hold: the setting kv_tokens, or what its help says for 0.
int64_t cache_tokens(const MemoryPlan& plan, const Settings& settings, int64_t n_ctx);

// Memory of this machine.
uint64_t machine_memory_bytes();

// A value of this process from /proc/self/status: "VmRSS" is what it holds now, "VmHWM" the most it
// held, "VmLck" what is locked. 0 where the system does not say.
uint64_t process_memory_bytes(std::string_view name);

// "4.58 GiB", "512 KiB", "12 B".
std::string format_bytes(uint64_t bytes);

}  // namespace chasqui::app
