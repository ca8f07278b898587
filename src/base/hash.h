// 128-bit content hashes (XXH3). Fast and well mixed, not cryptographic: where an adversary could
// profit from a collision the caller compares the content as well (see kv/).
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>

namespace chasqui {

struct Hash128 {
  uint64_t low = 0;
  uint64_t high = 0;
  auto operator<=>(const Hash128&) const = default;
};

// Hash of `bytes`, chained to `seed` so that equal blocks after different parents differ.
Hash128 hash_bytes(std::span<const std::byte> bytes, Hash128 seed = {});

// For std::unordered_map.
struct Hash128Hasher {
  size_t operator()(const Hash128& h) const { return static_cast<size_t>(h.low ^ h.high); }
};

}  // namespace chasqui
