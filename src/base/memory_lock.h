// Keeps memory from being paged out (mlock).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace chasqui {

struct MemoryLockReport {
  uint64_t wanted_bytes = 0;   // whole pages
  uint64_t locked_bytes = 0;   // fewer when the kernel refused
  uint64_t locked_before = 0;  // by this process, elsewhere
  uint64_t limit_bytes = 0;    // RLIMIT_MEMLOCK; UINT64_MAX: none
  std::string reason;          // the kernel's; empty when all is locked
};

// Locks the pages of `ranges`, reading in those that are not in memory; pages that ranges share
// count once, and neighbouring ranges are locked as one (a border between locked and unlocked
// memory would split a huge page). Stops at the first refusal. Locks end with the mappings.
// Thread-safe.
MemoryLockReport lock_memory(std::span<const std::span<const std::byte>> ranges);

}  // namespace chasqui
