// Memory for many blocks that live as long as each other, cut one after another from regions of
// huge pages.
//
// Blocks that are allocated by themselves begin and end in small pages, which for the matrices of a
// 1.1B model are a third of all bytes: each 4 KiB of them cost a walk of the page tables, twice as
// long on a virtual machine. In an arena only the first and last pages of a region can be small.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <utility>

#include "base/result.h"

namespace chasqui {

// Puts memory that nobody has touched yet where it shall lie (on NUMA nodes).
using PlaceMemory = std::function<void(std::span<std::byte> memory)>;

// Used by one thread at a time.
class Arena {
 public:
  // `place`, if any, is called once for each region, before its first block is given out.
  explicit Arena(PlaceMemory place = {}) : place_(std::move(place)) {}

  // Zeroed bytes at a multiple of Buffer::kAlignment. A block keeps its region alive, so it may
  // outlive the arena; a region is given back with its last block. kResourceExhausted, with the
  // size, when the memory cannot be had.
  Result<std::shared_ptr<std::byte>> allocate(size_t bytes);

 private:
  const PlaceMemory place_;
  std::shared_ptr<std::byte> region_;  // the region that blocks are cut from
  size_t used_ = 0;
  size_t size_ = 0;
};

}  // namespace chasqui
