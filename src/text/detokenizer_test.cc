#include "text/detokenizer.h"

#include <gtest/gtest.h>

#include "base/rng.h"
#include "text/internal/clean_spaces.h"
#include "text/internal/utf8.h"
#include "text/test_vocab.h"

namespace chasqui::text {
namespace {

using testing::byte_bpe_vocab;
using testing::sentence_piece_vocab;

TEST(Detokenizer, HoldsBackUnfinishedCharacters) {
  const auto tokenizer = byte_bpe_vocab().load();
  const auto byte = [&](uint8_t value) {
    const char raw = static_cast<char>(value);
    return *tokenizer->vocab().find(spell_bytes({&raw, 1}));
  };
  Detokenizer stream(*tokenizer, false);
  EXPECT_EQ(stream.push(byte('a')), "a");
  EXPECT_EQ(stream.push(byte(0xF0)), "");
  EXPECT_EQ(stream.push(byte(0x9F)), "");
  EXPECT_EQ(stream.push(byte(0x99)), "");
  EXPECT_EQ(stream.held_bytes(), 3u);
  EXPECT_EQ(stream.push(byte(0x82)), "\xF0\x9F\x99\x82");
  EXPECT_EQ(stream.push(byte(0xE2)), "");
  EXPECT_EQ(stream.push(byte('b')),
            "\xEF\xBF\xBD"
            "b");  // the broken part, then what follows
  EXPECT_EQ(stream.push(byte(0xC3)), "");
  EXPECT_EQ(stream.finish(), "\xEF\xBF\xBD");
  EXPECT_EQ(stream.held_bytes(), 0u);
  EXPECT_EQ(stream.push(byte('c')), "c");  // usable again
  EXPECT_EQ(stream.finish(), "");
}

TEST(Detokenizer, StripsTheSpaceThatEncodingAdded) {
  const auto tokenizer = sentence_piece_vocab().load();
  const auto ids = tokenizer->encode("ab ab", {.add_special = false});
  Detokenizer at_start(*tokenizer, true);
  Detokenizer continued(*tokenizer, false);
  std::string first;
  std::string second;
  for (const TokenId id : ids) {
    first += at_start.push(id);
    second += continued.push(id);
  }
  EXPECT_EQ(first, "ab ab");
  EXPECT_EQ(second, " ab ab");
}

TEST(Detokenizer, ShowsSpecialTokensOnlyWhenAsked) {
  const auto tokenizer = byte_bpe_vocab().load();
  const TokenId end = *tokenizer->vocab().find("<|im_end|>");
  const TokenId tool = *tokenizer->vocab().find("<tool>");
  Detokenizer silent(*tokenizer, false);
  Detokenizer loud(*tokenizer, false, true);
  EXPECT_EQ(silent.push(end), "");
  EXPECT_EQ(loud.push(end), "<|im_end|>");
  EXPECT_EQ(silent.push(tool), "<tool>");  // user-defined tokens are text
  EXPECT_EQ(silent.push(-1), "");
  EXPECT_EQ(silent.push(1'000'000), "");
}

TEST(Detokenizer, StreamsWhatDecodeGives) {
  for (const auto& vocab : {sentence_piece_vocab(), byte_bpe_vocab(), testing::unigram_vocab(),
                            testing::rwkv_vocab(), testing::plamo2_vocab()}) {
    const auto tokenizer = vocab.load();
    Rng rng(5);
    for (int round = 0; round < 3000; ++round) {
      std::vector<TokenId> ids;
      for (uint64_t n = rng.below(20); n > 0; --n) {
        // From both sides of the valid range too.
        ids.push_back(static_cast<TokenId>(rng.below(uint64_t(tokenizer->vocab().size()) + 4)) - 2);
      }
      const bool special = rng.below(2) == 0;
      Detokenizer stream(*tokenizer, true, special);
      std::string text;
      for (const TokenId id : ids) {
        const std::string part = stream.push(id);
        EXPECT_TRUE(is_valid_utf8(part));
        EXPECT_LE(stream.held_bytes(), 3u);
        text += part;
      }
      text += stream.finish();
      const DecodeOptions options{.unparse_special = special, .clean_spaces = false};
      ASSERT_EQ(text, to_valid_utf8(tokenizer->decode(ids, options)));
    }
  }
}

TEST(CleanSpaces, FollowsItsThreeRules) {
  EXPECT_EQ(clean_spaces("Hello , world !"), "Hello, world!");
  EXPECT_EQ(clean_spaces("it 's , we 're I 'm they 've"), "it's, we're I'm they've");
  EXPECT_EQ(clean_spaces("do n't you 'll I 'd"), "do n't you 'll I 'd");
  EXPECT_EQ(clean_spaces("rock ' n"), "rock'n");
  EXPECT_EQ(clean_spaces(" ' ' '"), "'' '");
  EXPECT_EQ(clean_spaces(" "), " ");
  EXPECT_EQ(clean_spaces(""), "");
  EXPECT_EQ(clean_spaces("? . !"), "?.!");
}

}  // namespace
}  // namespace chasqui::text
