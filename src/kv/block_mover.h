// Moves the bytes of cache blocks between wherever the cache lies and host memory, for a second
// tier. Called by the engine thread, between steps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kv/unit_pool.h"

namespace chasqui::kv {

class BlockMover {
 public:
  virtual ~BlockMover() = default;
  // Bytes of one block of `group`; constant.
  virtual int64_t block_bytes(int group) const = 0;
  // REQUIRES: block_bytes(group) bytes. read() of a block gives what write() was given.
  virtual void read(int group, UnitId unit, std::span<std::byte> to) = 0;
  virtual void write(int group, UnitId unit, std::span<const std::byte> from) = 0;
};

}  // namespace chasqui::kv
