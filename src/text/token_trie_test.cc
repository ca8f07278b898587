#include "text/internal/token_trie.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "base/rng.h"

namespace chasqui::text {
namespace {

TEST(TokenTrie, FindsWhatAMapFinds) {
  Rng rng(13);
  for (int round = 0; round < 300; ++round) {
    const auto random_text = [&] {
      std::string text;
      for (uint64_t n = rng.below(6); n > 0; --n) {
        text.push_back(rng.below(5) == 0 ? static_cast<char>(rng.next()) : "ab"[rng.below(2)]);
      }
      return text;
    };
    std::vector<std::string> texts(rng.below(40));
    TokenTrie::Entries entries;
    std::map<std::string, TokenId> first;
    for (std::string& text : texts) {
      text = random_text();
      const auto id = static_cast<TokenId>(entries.size());
      entries.emplace_back(text, id);
      if (!text.empty()) first.emplace(text, id);
    }
    const TokenTrie trie(entries);
    for (int i = 0; i < 100; ++i) {
      const std::string text = random_text();
      TokenTrie::Match expected;
      TokenTrie::Node node = TokenTrie::kRoot;
      for (size_t length = 1; length <= text.size(); ++length) {
        const auto found = first.find(text.substr(0, length));
        if (found != first.end()) expected = {found->second, length};
        if (node != TokenTrie::kNone) node = trie.child(node, text[length - 1]);
        const TokenId here = node == TokenTrie::kNone ? kNoToken : trie.token(node);
        ASSERT_EQ(here, found == first.end() ? kNoToken : found->second);
      }
      const TokenTrie::Match match = trie.longest(text);
      ASSERT_EQ(match.id, expected.id);
      ASSERT_EQ(match.length, expected.length);
    }
  }
}

TEST(TokenTrie, LeavesOutWhatIsTooLong) {
  const std::string longest(kLongestMatched, 'a');
  const std::string longer = longest + "a";
  const TokenTrie trie({{longer, 1}, {longest, 2}});
  EXPECT_EQ(trie.longest(longer).id, 2);
  EXPECT_EQ(TokenTrie().longest("a").length, 0u);
}

}  // namespace
}  // namespace chasqui::text
