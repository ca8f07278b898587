// Finds tokens that are recognised by their spelling (control and user-defined tokens) in text:
// leftmost first, the longest of those that start there. A trie walked from each position whose
// byte can start such a token: time O(text x longest such token), whatever their number.
// Immutable after construction; any thread may read.
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "text/internal/flat_map.h"
#include "text/vocab.h"

namespace chasqui::text {

class SpecialMatcher {
 public:
  // Takes the control, unknown and user-defined tokens of `vocab`.
  explicit SpecialMatcher(const Vocab& vocab);

  struct Match {
    TokenId id = kNoToken;
    size_t begin = 0;  // bytes of the text
    size_t end = 0;
  };

  // The first match at or after `from`. Control and unknown tokens only count when
  // `parse_special`; user-defined tokens always do.
  std::optional<Match> find(std::string_view text, size_t from, bool parse_special) const;

 private:
  static constexpr uint8_t kUserStarts = 1;  // a user-defined token starts with this byte
  static constexpr uint8_t kControlStarts = 2;

  struct Node {
    TokenId user = kNoToken;
    TokenId control = kNoToken;
  };

  void add(std::string_view spelling, TokenId id, bool is_user);
  Match longest_at(std::string_view text, size_t at, bool parse_special) const;

  std::vector<Node> nodes_;               // nodes_[0] is the root
  FlatMap children_;                      // (node << 8 | byte) -> node
  std::array<uint8_t, 256> starts_ = {};  // by first byte: kUserStarts | kControlStarts
};

}  // namespace chasqui::text
