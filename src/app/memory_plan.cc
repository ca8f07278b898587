#include "app/memory_plan.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>

#include "app/loaded_model.h"
#include "base/checked_math.h"

namespace chasqui::app {
namespace {

// Left for activations, tables and the system.
constexpr uint64_t kReserveBytes = uint64_t{512} << 20;

// A user's conversations, side by side, before the oldest prefix is forgotten.
constexpr int64_t kContextsInCache = 8;

// A request holds two recurrent states, and some more while it reads a prompt.
constexpr int64_t kStatesOfRequest = 4;
// States besides, for prefixes to be found in, and the fewest with which requests can run at all
// side by side.
constexpr int64_t kStatesKept = 64;
constexpr int64_t kFewestStates = 8;

uint64_t bytes_of_state(const model::ModelSpec& spec) {
  int64_t floats = 0;
  for (const model::LayerSpec& layer : spec.layers) floats += layer.state_floats;
  return static_cast<uint64_t>(floats) * sizeof(float);
}

uint64_t kv_bytes(const model::LayerSpec& layer, DType key, DType value) {
  const DTypeInfo& k = dtype_info(key);
  const DTypeInfo& v = dtype_info(value);
  return static_cast<uint64_t>(ceil_div(layer.k_width(), k.block_values) * k.block_bytes +
                               ceil_div(layer.v_width(), v.block_values) * v.block_bytes);
}

int64_t tokens_that_fit(const MemoryPlan& plan) {
  const uint64_t taken =
      plan.weight_bytes + plan.windowed_kv_bytes + plan.state_bytes + kReserveBytes;
  if (plan.machine_bytes <= taken || plan.kv_bytes_per_token == 0) return 0;
  return static_cast<int64_t>((plan.machine_bytes - taken) / plan.kv_bytes_per_token);
}

}  // namespace

uint64_t machine_memory_bytes() {
  return static_cast<uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
         static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

uint64_t process_memory_bytes(std::string_view name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (!line.starts_with(name) || line.size() <= name.size() || line[name.size()] != ':') continue;
    return std::strtoull(line.c_str() + name.size() + 1, nullptr, 10) << 10;  // "VmRSS:   123 kB"
  }
  return 0;
}

MemoryPlan plan_memory(const gguf::File& file, const model::ModelSpec& spec,
                       const Settings& settings) {
  MemoryPlan plan;
  for (const gguf::Tensor& tensor : file.tensors()) {
    plan.weight_bytes += tensor.view.bytes.size();
    plan.parameters += static_cast<uint64_t>(tensor.view.elements());
  }
  const model::CacheOptions types = cache_types(settings);
  for (size_t i = 0; i < spec.layers.size(); ++i) {
    if (!spec.has_cache(i)) continue;
    const model::LayerSpec& layer = spec.layers[i];
    if (spec.cache_windows[static_cast<size_t>(layer.cache_group)] > 0) continue;
    plan.kv_bytes_per_token += kv_bytes(layer, types.key_type, types.value_type);
  }
  plan.state_bytes = static_cast<uint64_t>(state_count(spec, settings)) * bytes_of_state(spec);
  plan.machine_bytes = machine_memory_bytes();
  plan.tokens_that_fit = tokens_that_fit(plan);
  return plan;
}

void add_windows(MemoryPlan& plan, const model::ModelSpec& spec, int64_t tokens,
                 const Settings& settings) {
  const model::CacheOptions types = cache_types(settings);
  for (size_t i = 0; i < spec.layers.size(); ++i) {
    const model::LayerSpec& layer = spec.layers[i];
    const int64_t window = spec.cache_windows[static_cast<size_t>(layer.cache_group)];
    if (!spec.has_cache(i) || window == 0) continue;
    const int64_t kept = group_blocks(window, tokens, settings) * backend::kKvBlockTokens;
    plan.windowed_kv_bytes +=
        static_cast<uint64_t>(kept) * kv_bytes(layer, types.key_type, types.value_type);
  }
  plan.tokens_that_fit = tokens_that_fit(plan);
}

MemoryPlan together(const MemoryPlan& model, const MemoryPlan& draft) {
  MemoryPlan plan = model;
  plan.weight_bytes += draft.weight_bytes;
  plan.kv_bytes_per_token += draft.kv_bytes_per_token;
  plan.windowed_kv_bytes += draft.windowed_kv_bytes;
  plan.state_bytes += draft.state_bytes;
  plan.tokens_that_fit = tokens_that_fit(plan);
  return plan;
}

int64_t group_blocks(int64_t window, int64_t tokens, const Settings& settings) {
  const int64_t all = ceil_div(tokens, backend::kKvBlockTokens);
  if (window == 0) return all;
  // A window and a step begin and end inside of blocks.
  const int64_t visible = ceil_div(window + settings.prefill_chunk, backend::kKvBlockTokens) + 2;
  return std::min(all, 2 * settings.n_parallel * visible);
}

int64_t state_count(const model::ModelSpec& spec, const Settings& settings) {
  const uint64_t bytes = bytes_of_state(spec);
  if (bytes == 0) return 0;
  const auto most = static_cast<int64_t>(machine_memory_bytes() / 8 / bytes);
  return std::max(kFewestStates,
                  std::min(most, kStatesOfRequest * settings.n_parallel + kStatesKept));
}

int64_t cache_tokens(const MemoryPlan& plan, const Settings& settings, int64_t n_ctx) {
  if (settings.kv_tokens > 0) return settings.kv_tokens;
  const auto quarter =
      static_cast<int64_t>(plan.machine_bytes / 4 / std::max<uint64_t>(plan.kv_bytes_per_token, 1));
  return std::max(n_ctx, std::min(n_ctx * kContextsInCache, quarter));
}

std::string format_bytes(uint64_t bytes) {
  constexpr std::array kUnits = {"B", "KiB", "MiB", "GiB", "TiB"};
  auto value = static_cast<double>(bytes);
  size_t unit = 0;
  for (; value >= 1024 && unit + 1 < kUnits.size(); ++unit) value /= 1024;
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.2f} {}", value, kUnits[unit]);
}

}  // namespace chasqui::app
