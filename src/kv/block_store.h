// The memory of a second tier of the prefix cache: records by the names of their blocks, bounded in
// bytes. RamStore and DiskStore are two; what a record holds is the tier's affair (block_record.h).
//
// When room is needed, the least recently used record goes among those that no kept record
// continues. A chain of blocks therefore loses its end first, and whatever is kept can be reached
// from the beginning of its prefix. A chain that is longer than the whole store keeps its
// beginning.
//
// contains() and stats() may be called from any thread and never wait for a disk; everything else
// is for one thread at a time (the tier's, after construction).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/hash.h"

namespace chasqui::kv {

struct StoreStats {
  int64_t records = 0;
  int64_t bytes = 0;     // taken up, with what the store adds to each record
  int64_t capacity = 0;  // most that `bytes` may become
  int64_t evicted = 0;   // records forgotten for want of room, since start
  int64_t failures = 0;  // times that the medium refused or had to be begun anew, since start
};

class BlockStore {
 public:
  virtual ~BlockStore() = default;

  virtual std::string describe() const = 0;  // for logs: what it is, and where

  // Seeds the names of blocks (KvOptions::hash_secret). Kept as long as the records are, or they
  // could not be found again.
  virtual uint64_t secret() const = 0;

  virtual bool contains(const Hash128& name) const = 0;
  virtual StoreStats stats() const = 0;

  // Fills `record`, whose size must be that of the record. False when there is none of that name
  // and size, or its bytes cannot be read. Whether they are right is for the caller to check.
  virtual bool get(const Hash128& name, std::span<std::byte> record) = 0;

  // Keeps a copy. `parent`: the name of the block before it, kept or not. False when it is kept
  // already, or when there is no room that may be taken, or the medium refuses.
  virtual bool put(const Hash128& name, const Hash128& parent,
                   std::span<const std::byte> record) = 0;

  // For a record that turned out not to be what had been put. A store that hears this often may
  // begin anew. Does nothing for unknown names.
  virtual void forget(const Hash128& name) = 0;

  // To be called when there is a pause: writes down what was held back. A store that ends without
  // it loses the last puts at most.
  virtual void settle() {}
};

}  // namespace chasqui::kv
