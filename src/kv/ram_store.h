// A second tier in main memory: what the first tier (which may be a device's memory) forgot.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "kv/block_store.h"

namespace chasqui::kv {

// At most `capacity` bytes. `secret`: see BlockStore::secret(); random in a server.
std::unique_ptr<BlockStore> make_ram_store(int64_t capacity, uint64_t secret);

}  // namespace chasqui::kv
