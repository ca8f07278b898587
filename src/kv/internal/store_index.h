// Which records a store has, how large each is, and which goes first. Thread-safe: every operation
// holds one mutex for O(log n) and does no input or output.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

#include "base/hash.h"
#include "kv/block_store.h"

namespace chasqui::kv {

class StoreIndex {
 public:
  struct Entry {
    Hash128 parent;
    int64_t bytes = 0;  // of the record itself
    int64_t id = 0;     // the store's own
    uint64_t used = 0;  // larger: later
  };

  // `overhead`, `granule`: a record of n bytes counts as n + overhead, rounded up to a multiple of
  // granule. REQUIRES: granule >= 1.
  StoreIndex(int64_t capacity, int64_t overhead, int64_t granule);

  bool contains(const Hash128& name) const;
  std::optional<Entry> find(const Hash128& name) const;

  // False, and nothing changes, when the name is taken. `used` 0 means now.
  bool insert(const Hash128& name, Entry entry);
  // Used now. The new stamp, or 0 for unknown names.
  uint64_t touch(const Hash128& name);
  std::optional<Entry> erase(const Hash128& name);
  void clear();
  // Erases the entries that are their own ancestors, which only a forged file has: nothing could
  // ever go from such a ring. How many. O(n).
  int64_t erase_rings();

  // What must go before a record that counts `charge` bytes, after `parent`, has room: one name at
  // a time, nullopt when there is room. `fits` becomes false when there is none and nothing may go.
  std::optional<Hash128> next_to_go(int64_t charge, const Hash128& parent, bool& fits) const;

  int64_t charge(int64_t bytes) const;
  int64_t capacity() const { return capacity_; }
  void count_evicted();
  void count_failure();
  StoreStats stats() const;

 private:
  struct Node {
    Entry entry;
    int64_t children = 0;  // kept ones
    bool has_children() const { return children > 0; }
  };
  using Leaf = std::pair<uint64_t, Hash128>;

  std::optional<Entry> erase_locked(const Hash128& name);
  void add_child(const Hash128& parent);
  void remove_child(const Hash128& parent);

  // Constant after construction.
  const int64_t capacity_;
  const int64_t overhead_;
  const int64_t granule_;

  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::unordered_map<Hash128, Node, Hash128Hasher> nodes_;
  // Records whose parent is not kept, counted under its name, for when it comes.
  std::unordered_map<Hash128, int64_t, Hash128Hasher> orphans_;
  // INVARIANT: exactly the nodes without children, under their `used`.
  std::set<Leaf> leaves_;
  uint64_t clock_ = 0;  // INVARIANT: >= every `used`
  StoreStats stats_;    // INVARIANT: bytes = sum of charge(entry.bytes)
};

}  // namespace chasqui::kv
