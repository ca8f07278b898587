#include "base/hash.h"

#define XXH_STATIC_LINKING_ONLY  // for the state on the stack
#include <xxhash.h>

namespace chasqui {

Hash128 hash_bytes(std::span<const std::byte> bytes, Hash128 seed) {
  XXH3_state_t state;
  XXH3_128bits_reset_withSeed(&state, seed.low);
  XXH3_128bits_update(&state, &seed.high, sizeof(seed.high));
  XXH3_128bits_update(&state, bytes.data(), bytes.size());
  const XXH128_hash_t digest = XXH3_128bits_digest(&state);
  return {digest.low64, digest.high64};
}

}  // namespace chasqui
