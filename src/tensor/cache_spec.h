// What a model needs to remember for each token, as far as the cache manager cares: groups of
// blocks whose bytes are opaque to it.
#pragma once

#include <cstdint>

namespace chasqui {

// One group of layers whose blocks live and die together. A model of ordinary attention layers
// has one group; layers with a sliding window form a second one, recurrent layers a third.
struct CacheSpec {
  int64_t block_tokens = 16;    // tokens a block holds
  int64_t bytes_per_block = 0;  // over all layers of the group, for accounting
  int64_t window_tokens = 0;    // > 0: blocks that lie wholly before the window may be freed
  // > 0: recurrent states. A block is one, that after the last computed token in the block; states
  // that can be found again are kept every so many tokens, a multiple of block_tokens.
  int64_t state_every_tokens = 0;
};

// The content of one block to another of the same group, in all its layers.
struct BlockCopy {
  int32_t group = 0;
  int32_t from = 0;
  int32_t to = 0;
};

}  // namespace chasqui
