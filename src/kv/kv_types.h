// What goes into a KvManager and comes out of it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kv/prefix_index.h"
#include "kv/unit_pool.h"
#include "tensor/cache_spec.h"

namespace chasqui::kv {

struct KvGroup {
  CacheSpec spec;
  int64_t blocks = 0;  // that exist
};

struct KvOptions {
  bool prefix_cache = true;
  uint64_t hash_secret = 0;       // random in a server, fixed in tests; outputs do not depend on it
  bool report_published = false;  // collect published()
};

// A block that became findable, and the units that hold it: in all groups, in their order.
struct PublishedBlock {
  OwnedBlockName block;
  std::vector<UnitId> units;
};

using TableId = int32_t;
constexpr TableId kNoTable = -1;

struct OpenArgs {
  std::span<const int32_t> tokens = {};  // known so far
  int64_t max_hit = 0;                   // most tokens that may come from the cache
  uint64_t salt = 0;                     // equal salts share
  bool share = true;                     // false: neither reads nor feeds the prefix cache
};

struct Opened {
  TableId table = kNoTable;
  int64_t hit_tokens = 0;  // already computed; a multiple of block_tokens(), <= max_hit
};

struct KvUsage {  // in blocks, summed over groups
  int64_t total = 0;
  int64_t in_use = 0;
  int64_t cached = 0;
};

}  // namespace chasqui::kv
