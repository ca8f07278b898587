#include <gtest/gtest.h>

#include "base/rng.h"
#include "text/test_vocab.h"
#include "text/tokenizer.h"

namespace chasqui::text {
namespace {

using testing::rwkv_vocab;
using testing::TestVocab;

constexpr EncodeOptions kPlain{.add_special = false, .parse_special = false};

TEST(Rwkv, TakesTheLongestTokenEachTime) {
  const auto tokenizer = rwkv_vocab().load();
  const auto id = [&](const char* text) { return *tokenizer->vocab().find(text); };
  // Greedy: "abc" hides "bcd".
  EXPECT_EQ(tokenizer->encode("abcd", kPlain), (std::vector<TokenId>{id("abc"), id("\\x64")}));
  EXPECT_EQ(tokenizer->encode("aaaaaaa", kPlain),
            (std::vector<TokenId>{id("aaaa"), id("aa"), id("\\x61")}));
  EXPECT_EQ(tokenizer->encode("\n\n\t\\'s", kPlain),
            (std::vector<TokenId>{id("\\n\\n"), id("\\t\\\\"), id("\\'s")}));
  EXPECT_EQ(tokenizer->vocab().special().newline, id("\\x0a"));
  EXPECT_FALSE(tokenizer->vocab().special().add_bos);
}

TEST(Rwkv, RoundTripsAnyBytes) {
  const auto tokenizer = rwkv_vocab().load();
  Rng rng(17);
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (uint64_t n = rng.below(40); n > 0; --n) {
      text.push_back(rng.below(3) == 0 ? static_cast<char>(rng.next()) : "abcd \n"[rng.below(6)]);
    }
    ASSERT_EQ(tokenizer->decode(tokenizer->encode(text, kPlain), {}), text);
  }
}

TEST(Rwkv, SpelledControlTokensStayText) {
  const auto tokenizer = rwkv_vocab().load();
  EXPECT_EQ(tokenizer->encode("<s>", kPlain).size(), 3u);
  EXPECT_EQ(tokenizer->encode("<s>", {.add_special = false, .parse_special = true}),
            std::vector<TokenId>{0});
}

TEST(Rwkv, OddEscapesAreText) {
  TestVocab file;
  file.model = "rwkv";
  const TokenId digits = file.add("\\xg1");
  const TokenId cut = file.add("b\\x4");
  const TokenId last = file.add("c\\");
  const auto tokenizer = file.load();
  EXPECT_EQ(tokenizer->piece(digits, false), "xg1");
  EXPECT_EQ(tokenizer->piece(cut, false), "bx4");
  EXPECT_EQ(tokenizer->piece(last, false), "c\\");
  // What no token covers is left out where there is no unknown token.
  EXPECT_EQ(tokenizer->encode("?xg1?", kPlain), std::vector<TokenId>{digits});
}

}  // namespace
}  // namespace chasqui::text
