// A vocabulary as constraints see it: tokens as bytes, in tries. Built once for each vocabulary
// (a tenth of a second for 128,000 tokens) and shared by all grammars. Immutable; any thread.
//
// Most tokens are plain text: whole characters without quote, backslash, control character or line
// separator. Inside a string they are all allowed or all forbidden by their length, so they have
// ready masks, and only the others are walked. The idea of slicing a vocabulary so is llguidance's
// (https://github.com/guidance-ai/llguidance, docs/optimizations.md).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "grammar/token_mask.h"
#include "text/tokenizer.h"

namespace chasqui::grammar {

// Byte strings as a trie in preorder: one pass over an array, jumping over what is forbidden.
struct TokenTrie {
  struct Node {
    uint8_t byte = 0;
    uint16_t depth = 0;        // 1 for the first byte
    uint32_t skip = 0;         // index of the first node that is not below this one
    uint32_t first_token = 0;  // in `tokens`: those that end here
    uint32_t last_token = 0;
  };
  using Entry = std::pair<std::string_view, int32_t>;

  std::vector<Node> nodes;
  std::vector<int32_t> tokens;
  std::vector<int32_t> empty;  // tokens whose string is empty
  size_t depth = 0;            // of the deepest node

  static TokenTrie build(std::vector<Entry> entries);
};

class TokenTable {
 public:
  // Control tokens, unknown and unused ones take no part; ends of generation are known as such.
  static std::shared_ptr<const TokenTable> build(const text::Tokenizer& tokenizer);
  using Names = std::unordered_map<std::string, int32_t>;
  // For tests: token i is pieces[i], "" takes no part; `ends` end the generation.
  static std::shared_ptr<const TokenTable> build(std::vector<std::string> pieces,
                                                 std::vector<int32_t> ends, Names names = {},
                                                 Names marks = {});

  int32_t size() const { return static_cast<int32_t>(pieces_.size()); }
  std::string_view piece(int32_t token) const { return pieces_[static_cast<size_t>(token)]; }
  bool is_end(int32_t token) const { return ends_.has(token); }
  const TokenMask& ends() const { return ends_; }
  // The token that is spelled so as a whole, control tokens included ("<think>"); only of those
  // that stand in angle or square brackets.
  std::optional<int32_t> named(const std::string& spelling) const;
  // Tokens by which models structure what they write, by spelling: control tokens, ends of
  // generation too, and user-defined tokens in brackets.
  const Names& marks() const { return marks_; }

  // Splits `text` greedily into the longest tokens; nullopt where no token fits.
  std::optional<std::vector<int32_t>> split(std::string_view text) const;

  const TokenTrie& all() const { return all_; }
  const TokenTrie& not_plain() const { return not_plain_; }
  // Plain tokens of at most `chars` characters.
  const TokenMask& plain(uint32_t chars) const;
  uint32_t longest_plain() const { return longest_plain_; }  // characters
  // Tokens that may stand inside a JSON string and do not end it (they may end within an escape).
  const TokenMask& in_string() const { return in_string_; }
  // Tokens that end a JSON string: by what follows the quote, and as they are.
  const TokenTrie& closing_rests() const { return closing_rests_; }
  const TokenTrie& closing() const { return closing_; }

 private:
  static constexpr uint32_t kPlainMasks = 64;  // longer plain tokens share the last mask's step

  TokenTable() = default;
  void sort_out();

  std::vector<std::string> pieces_;
  Names names_;
  Names marks_;
  TokenMask ends_;
  TokenTrie all_;
  TokenTrie not_plain_;
  TokenTrie closing_rests_;
  TokenTrie closing_;
  TokenMask in_string_;
  std::vector<TokenMask> plain_;  // [chars], the last one for any number
  uint32_t longest_plain_ = 0;
};

}  // namespace chasqui::grammar
