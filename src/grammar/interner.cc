#include "grammar/internal/interner.h"

#include <algorithm>

namespace chasqui::grammar {
namespace {

uint64_t hash_words(std::span<const uint32_t> words) {
  uint64_t hash = 0x9e3779b97f4a7c15ull ^ words.size();
  for (const uint32_t word : words) {
    hash = (hash ^ word) * 0xff51afd7ed558ccdull;
    hash ^= hash >> 32;
  }
  return hash;
}

// For one more element.
template <typename T>
void make_room(std::vector<T>& list) {
  if (list.size() == list.capacity()) list.reserve(2 * list.size() + 16);
}

}  // namespace

Interner::Found Interner::put(std::span<const uint32_t> words) {
  const uint64_t hash = hash_words(words);
  const size_t mask = slots_.size() - 1;
  size_t slot = hash & mask;
  for (; slots_[slot] != kFree; slot = (slot + 1) & mask) {
    const uint32_t id = slots_[slot];
    if (hashes_[id] == hash && std::ranges::equal(get(id), words)) return {id, false};
  }
  const uint32_t id = size();
  // What can run out of memory comes before what would show it.
  make_room(hashes_);
  make_room(starts_);
  words_.insert(words_.end(), words.begin(), words.end());
  hashes_.push_back(hash);
  starts_.push_back(words_.size());
  slots_[slot] = id;
  if (2 * static_cast<size_t>(size()) > slots_.size()) grow();
  return {id, true};
}

void Interner::grow() {
  slots_.assign(slots_.size() * 2, kFree);
  const size_t mask = slots_.size() - 1;
  for (uint32_t id = 0; id < size(); ++id) {
    size_t slot = hashes_[id] & mask;
    while (slots_[slot] != kFree) slot = (slot + 1) & mask;
    slots_[slot] = id;
  }
}

}  // namespace chasqui::grammar
