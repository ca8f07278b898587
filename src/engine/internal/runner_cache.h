// The cache of a model runner as the KV manager wants it described.
#pragma once

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

#include "engine/model_runner.h"
#include "kv/kv_manager.h"

namespace chasqui::engine {

inline std::vector<kv::KvGroup> kv_groups(const ModelRunner& runner) {
  std::vector<kv::KvGroup> groups;
  for (const CacheSpec& spec : runner.cache_groups()) {
    groups.push_back({spec, runner.cache_blocks(static_cast<int>(groups.size()))});
  }
  return groups;
}

// Whether the model has recurrent states, which cannot go back.
inline bool has_states(const ModelRunner& runner) {
  return std::ranges::any_of(runner.cache_groups(),
                             [](const CacheSpec& spec) { return spec.state_every_tokens > 0; });
}

inline kv::KvOptions kv_options(bool prefix_cache) {
  std::random_device entropy;
  return {prefix_cache, (static_cast<uint64_t>(entropy()) << 32) | entropy()};
}

}  // namespace chasqui::engine
