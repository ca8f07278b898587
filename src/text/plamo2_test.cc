#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/rng.h"
#include "text/internal/utf8.h"
#include "text/test_vocab.h"
#include "text/tokenizer.h"

namespace chasqui::text {
namespace {

using testing::plamo2_vocab;

constexpr EncodeOptions kPlain{.add_special = false, .parse_special = false};

struct Best {
  int64_t sum = std::numeric_limits<int64_t>::min();
  std::vector<TokenId> ids;
};

// The definition: of all first tokens, the longest first, the one with the best rest.
Best best_cut(const Vocab& vocab, std::string_view text) {
  if (text.empty()) return {0, {}};
  Best best;
  for (size_t length = text.size(); length > 0; --length) {
    const auto id = vocab.find(text.substr(0, length));
    if (!id || vocab.kind(*id) != TokenKind::kNormal || vocab.score(*id) <= -2000) continue;
    const Best rest = best_cut(vocab, text.substr(length));
    if (rest.sum == Best{}.sum) continue;
    const int64_t sum = rest.sum + std::llround(double{vocab.score(*id)} * 1e4);
    if (sum <= best.sum) continue;
    best = {sum, {*id}};
    best.ids.insert(best.ids.end(), rest.ids.begin(), rest.ids.end());
  }
  if ((static_cast<uint8_t>(text[0]) & 0xC0) == 0x80) return best;
  const size_t character = announced_length(text[0]);
  const Best rest = best_cut(vocab, text.substr(character));
  if (rest.sum - 10'000'000 <= best.sum) return best;
  best = {rest.sum - 10'000'000, {}};
  for (const char c : text.substr(0, character)) {
    best.ids.push_back(*vocab.find(spelling_of_byte(static_cast<uint8_t>(c))));
  }
  best.ids.insert(best.ids.end(), rest.ids.begin(), rest.ids.end());
  return best;
}

std::string random_text(Rng& rng, uint64_t longest) {
  const char* const parts[] = {"a", "b", "c", " ", "ab", "aa", "\xC3\xA9", "\xE4\xB8\x80", "\n"};
  std::string text;
  for (uint64_t n = rng.below(longest + 1); n > 0; --n) text += parts[rng.below(std::size(parts))];
  return text;
}

TEST(Plamo2, FindsTheBestOfAllCuts) {
  const auto tokenizer = plamo2_vocab().load();
  Rng rng(18);
  for (int round = 0; round < 1000; ++round) {
    const std::string text = random_text(rng, 8);
    ASSERT_EQ(tokenizer->encode(text, kPlain), best_cut(tokenizer->vocab(), text).ids) << text;
  }
}

TEST(Plamo2, RoundTripsText) {
  const auto tokenizer = plamo2_vocab().load();
  Rng rng(19);
  for (int round = 0; round < 1000; ++round) {
    std::string text = random_text(rng, 40);
    for (uint64_t n = rng.below(3); n > 0; --n) text.push_back(static_cast<char>(rng.next()));
    ASSERT_EQ(tokenizer->decode(tokenizer->encode(text, kPlain), {}),
              is_valid_utf8(text) ? text : read_leniently(text).text);
  }
}

TEST(Plamo2, DropsAByteOrderMarkAtTheStart) {
  const auto tokenizer = plamo2_vocab().load();
  const TokenId a = *tokenizer->vocab().find("a");
  EXPECT_EQ(tokenizer->encode("\xEF\xBB\xBF"
                              "a",
                              kPlain),
            std::vector<TokenId>{a});
  EXPECT_EQ(tokenizer->encode("\xEF\xBB\xBF", kPlain), std::vector<TokenId>());
  EXPECT_EQ(tokenizer->encode("a\xEF\xBB\xBF", kPlain).size(), 4u);
}

TEST(Plamo2, SpelledControlTokensStayText) {
  const auto tokenizer = plamo2_vocab().load();
  EXPECT_EQ(tokenizer->decode(tokenizer->encode("<|plamo:eos|>", kPlain), {}), "<|plamo:eos|>");
  EXPECT_EQ(tokenizer->encode("<|plamo:eos|>", {.add_special = false, .parse_special = true}),
            std::vector<TokenId>{2});
  EXPECT_EQ(tokenizer->vocab().special().newline, *tokenizer->vocab().find("<0x0A>"));
}

}  // namespace
}  // namespace chasqui::text
