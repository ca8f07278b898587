// The units (blocks) of one cache group as numbers: who is used, who is free, who is remembered.
// Their bytes live in the backend and are never touched here.
//
// A unit is in exactly one of three states:
//   free     reference count 0, no key: content is worthless
//   cached   reference count 0, a key: content can be found again, and goes when room is needed
//   in use   reference count > 0, with or without a key
// One list is free list and LRU list at once: free units in front, cached ones behind, the least
// recently released first. Taking from the front therefore spends worthless units before cached
// ones, and old cached ones before young.
//
// Engine thread only. Every operation is O(1) and allocates nothing; misuse is our own bug and
// ends in CHECK.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/hash.h"

namespace chasqui::kv {

using UnitId = int32_t;
constexpr UnitId kNoUnit = -1;

class UnitPool {
 public:
  struct Acquired {
    UnitId unit = kNoUnit;           // kNoUnit when every unit is in use
    std::optional<Hash128> evicted;  // key that the unit had: the caller forgets it elsewhere too
  };

  explicit UnitPool(int64_t units);  // REQUIRES: 0 <= units < 2^31

  // The front of the list, now without a key and with reference count 1.
  Acquired acquire();

  // One more reference. A cached unit comes back into use and keeps its key. REQUIRES: the unit
  // is not free (nobody can know a free unit's content).
  void retain(UnitId unit);

  // One reference less. The last one makes the unit cached (to the back) or free (to the front).
  void release(UnitId unit);

  // From now on the unit is full, computed and not written again. REQUIRES: in use, without key.
  void set_key(UnitId unit, const Hash128& key);

  // Forgets the key again. REQUIRES: in use, with a key.
  void clear_key(UnitId unit);

  int64_t size() const { return static_cast<int64_t>(references_.size()); }
  int64_t in_use() const { return size() - listed_; }
  int64_t cached() const { return listed_ - free_; }
  int64_t free() const { return free_; }
  int64_t available() const { return listed_; }  // what acquire() can give: free + cached

  int32_t references(UnitId unit) const { return references_[index(unit)]; }
  const std::optional<Hash128>& key(UnitId unit) const { return keys_[index(unit)]; }

  // Aborts unless: free + cached + in use = all; a unit is in the list iff its count is 0; the
  // list is well linked with all free units in front. O(units).
  void check_integrity() const;

 private:
  static size_t index(UnitId unit) { return static_cast<size_t>(unit); }
  void link_before(UnitId unit, UnitId next);
  void unlink(UnitId unit);

  // Per unit.
  std::vector<int32_t> references_;
  std::vector<std::optional<Hash128>> keys_;
  // The list is a ring through the sentinel `size()`. INVARIANT: linked iff references_ == 0.
  std::vector<UnitId> next_;
  std::vector<UnitId> previous_;
  int64_t listed_ = 0;  // length of the list
  int64_t free_ = 0;    // of these, without a key
};

}  // namespace chasqui::kv
