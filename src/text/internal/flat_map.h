// A hash table from 64-bit keys to two 32-bit numbers, built once and then only read: open
// addressing with linear probing in one array, so that a look-up costs one cache line. Not
// thread-safe while it is built; any thread may read it afterwards.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

namespace chasqui::text {

class FlatMap {
 public:
  struct Value {
    uint32_t first = 0;
    uint32_t second = 0;
  };

  // Room for `entries` without growing.
  void reserve(size_t entries) { rehash(std::bit_ceil(entries * 2 + kMinSlots)); }

  // False, and nothing changes, when the key is there already. REQUIRES: key != UINT64_MAX.
  bool insert(uint64_t key, Value value) {
    if ((size_ + 1) * 2 > slots_.size()) rehash(std::max(slots_.size() * 2, kMinSlots));
    Slot& slot = slots_[probe(key)];
    if (slot.key == key) return false;
    slot = {key, value};
    ++size_;
    return true;
  }

  const Value* find(uint64_t key) const {
    if (slots_.empty()) return nullptr;
    const Slot& slot = slots_[probe(key)];
    return slot.key == key ? &slot.value : nullptr;
  }

  size_t size() const { return size_; }

 private:
  static constexpr uint64_t kEmpty = UINT64_MAX;
  static constexpr size_t kMinSlots = 16;
  struct Slot {
    uint64_t key = kEmpty;
    Value value;
  };

  // The slot that holds `key`, or the empty one where it belongs. At least half of the slots are
  // empty, so the walk ends.
  size_t probe(uint64_t key) const {
    size_t at = (key * 0x9E3779B97F4A7C15ull) >> shift_;  // Fibonacci hashing (Knuth, 6.4)
    while (slots_[at].key != key && slots_[at].key != kEmpty) at = (at + 1) & (slots_.size() - 1);
    return at;
  }

  void rehash(size_t slots) {
    if (slots <= slots_.size()) return;
    std::vector<Slot> old(slots);
    old.swap(slots_);
    shift_ = 64 - std::countr_zero(slots);
    for (const Slot& slot : old) {
      if (slot.key != kEmpty) slots_[probe(slot.key)] = slot;
    }
  }

  std::vector<Slot> slots_;  // size: a power of two, or 0
  size_t size_ = 0;          // invariant: size_ * 2 <= slots_.size()
  int shift_ = 64;           // 64 - log2(slots_.size())
};

}  // namespace chasqui::text
