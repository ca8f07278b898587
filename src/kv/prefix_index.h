// Finds the unit that holds a given block of tokens after given earlier blocks.
//
// A full block is named by a 128-bit hash chained over the whole prefix: its tokens hashed with
// the name of the block before it as seed; the first block's seed is made of a salt (what may be
// shared with whom) and a secret of the process. The hash only proposes: find() also compares the
// parent's name and the tokens, so that a collision costs a miss and never gives foreign content.
//
// Engine thread only. Lookups are O(block_tokens).
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/hash.h"
#include "kv/unit_pool.h"

namespace chasqui::kv {

// The name of the empty prefix. Requests with different salts share nothing. `secret` keeps users
// from computing names, hence from making colliding ones.
Hash128 root_key(uint64_t salt, uint64_t secret);

// The name of a block of `tokens` after the block (or root) named `parent`.
Hash128 block_key(const Hash128& parent, std::span<const int32_t> tokens);

// A block as it is looked up and remembered. `key` = block_key(parent, tokens) in production;
// tests forge collisions by saying otherwise.
struct BlockName {
  Hash128 key;
  Hash128 parent;
  std::span<const int32_t> tokens;  // [block_tokens]
};

// The same, with tokens of its own.
struct OwnedBlockName {
  Hash128 key;
  Hash128 parent;
  std::vector<int32_t> tokens;

  explicit OwnedBlockName(const BlockName& block)
      : key(block.key), parent(block.parent), tokens(block.tokens.begin(), block.tokens.end()) {}
  BlockName view() const { return {key, parent, tokens}; }
};

class PrefixIndex {
 public:
  // Children of one parent that similar() looks at, youngest first. A system prompt that thousands
  // of conversations follow has thousands of children; the one that a client is about to repeat
  // is most likely among the last.
  static constexpr int kMaxSiblings = 16;

  // A block that begins like other tokens. `block.tokens` are valid until the next insert().
  struct Similar {
    BlockName block;
    int64_t common = 0;  // tokens that agree; 0: there is none, and `block` means nothing
  };

  PrefixIndex(int64_t units, int64_t block_tokens);

  // The unit with this very content, or kNoUnit. Key, parent and tokens all match.
  UnitId find(const BlockName& block) const;

  // Of the blocks after `parent`, the one with the most leading tokens in common with `tokens`
  // (the younger one of equals).
  Similar similar(const Hash128& parent, std::span<const int32_t> tokens) const;

  // Remembers `unit` under the block's key. False, and nothing changes, when the key is taken (by
  // the same content computed twice, or by a collision): then the unit stays private.
  bool insert(const BlockName& block, UnitId unit);

  void erase(const Hash128& key);  // REQUIRES: the key is there

  // The unit under `key` whatever its content, or kNoUnit; for integrity checks.
  UnitId unit_of(const Hash128& key) const;
  int64_t size() const { return static_cast<int64_t>(entries_.size()); }

 private:
  struct Entry {
    UnitId unit = kNoUnit;
    Hash128 parent;
  };
  // Blocks with the same parent form a list, linked by their units.
  struct Sibling {
    Hash128 key;
    UnitId older = kNoUnit;
    UnitId younger = kNoUnit;
  };
  void link(const Hash128& parent, const Hash128& key, UnitId unit);
  void unlink(const Hash128& parent, UnitId unit);
  Sibling& sibling(UnitId unit) { return siblings_[static_cast<size_t>(unit)]; }
  const Sibling& sibling(UnitId unit) const { return siblings_[static_cast<size_t>(unit)]; }
  std::span<int32_t> tokens_of(UnitId unit);
  std::span<const int32_t> tokens_of(UnitId unit) const;

  int64_t block_tokens_;                                       // constant
  std::unordered_map<Hash128, Entry, Hash128Hasher> entries_;  // INVARIANT: units are distinct
  std::vector<int32_t> tokens_;  // [units, block_tokens]; rows without an entry are stale
  // Parent -> its youngest child. INVARIANT: the lists that begin here hold exactly the units of
  // entries_, each under its parent.
  std::unordered_map<Hash128, UnitId, Hash128Hasher> youngest_;
  std::vector<Sibling> siblings_;  // [units]; those without an entry are stale
};

}  // namespace chasqui::kv
