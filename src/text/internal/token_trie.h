// A read-only trie over token texts: all tokens that a text begins with, in one walk. Nodes lie in
// breadth-first order, so the children of a node are neighbours, and the levels near the root,
// where most steps happen, stay in the cache. Immutable once built; any thread may read.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "text/vocab.h"

namespace chasqui::text {

// Longer texts are never matched, so that a hostile file cannot make each step of a walk cost its
// longest token. The longest tokens of published vocabularies have some hundred bytes.
inline constexpr size_t kLongestMatched = 1024;

class TokenTrie {
 public:
  using Node = uint32_t;
  static constexpr Node kRoot = 0;
  static constexpr Node kNone = UINT32_MAX;

  using Entries = std::vector<std::pair<std::string_view, TokenId>>;

  TokenTrie() : TokenTrie(Entries()) {}
  // Of equal texts the one that comes first counts; empty ones and those longer than
  // kLongestMatched are left out. The texts are not kept.
  explicit TokenTrie(Entries entries);

  // The node one byte further, or kNone. O(1): at most 256 labels are looked through.
  Node child(Node node, char byte) const;
  // The token whose text ends at `node`, or kNoToken.
  TokenId token(Node node) const { return tokens_[node]; }

  struct Match {
    TokenId id = kNoToken;
    size_t length = 0;  // bytes
  };
  // The longest token that `text` begins with; length 0 when there is none.
  Match longest(std::string_view text) const;

 private:
  // By node. Children of n: [first_child_[n], first_child_[n + 1]), ascending by label.
  std::vector<uint32_t> first_child_;
  std::vector<char> labels_;  // the byte that leads to the node; of the root: unused
  std::vector<TokenId> tokens_;
};

}  // namespace chasqui::text
