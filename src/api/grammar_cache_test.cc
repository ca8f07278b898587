#include <fmt/format.h>
#include <gtest/gtest.h>

#include "api/internal/constraint.h"
#include "support/tiny_tokenizer.h"

namespace chasqui::api {
namespace {

Constraint choice(int number) {
  Constraint constraint = {.kind = Constraint::Kind::kChoice, .param = "guided_choice"};
  constraint.choices = {fmt::format("answer {}", number)};
  return constraint;
}

TEST(GrammarCache, CompilesASourceOnce) {
  GrammarCache cache(chasqui::testing::tiny_tokenizer());
  const auto first = cache.get(choice(1));
  ASSERT_TRUE(first);
  EXPECT_EQ(*cache.get(choice(1)), *first);
  EXPECT_NE(*cache.get(choice(2)), *first);
  EXPECT_EQ(*cache.get(Constraint()), nullptr);
}

TEST(GrammarCache, ForgetsWhatWasUsedLongestAgoWhenItHoldsTooMuch) {
  constexpr int kFit = 8;
  GrammarCache cache(chasqui::testing::tiny_tokenizer(), kFit * GrammarCache::kLeastBytes);
  const auto used = *cache.get(choice(0));
  const auto unused = *cache.get(choice(1));
  for (int i = 2; i < 3 * kFit; ++i) {
    ASSERT_TRUE(cache.get(choice(i)));
    EXPECT_EQ(*cache.get(choice(0)), used);
  }
  EXPECT_NE(*cache.get(choice(1)), unused);
}

// The bound is one of bytes, not of entries: a grammar counts with what it has come to hold.
TEST(GrammarCache, CountsWhatAGrammarHolds) {
  GrammarCache cache(chasqui::testing::tiny_tokenizer(), 4 * GrammarCache::kLeastBytes);
  const auto small = *cache.get(choice(0));
  Constraint large = choice(1);
  for (int i = 0; i < 20'000; ++i) large.choices.push_back(fmt::format("a long answer {}", i));
  const auto first = *cache.get(large);
  EXPECT_EQ(*cache.get(large), first);  // the newest stays, however large
  EXPECT_NE(*cache.get(choice(0)), small);
}

TEST(GrammarCache, ErrorsNameTheField) {
  GrammarCache cache(chasqui::testing::tiny_tokenizer());
  Constraint constraint = {.kind = Constraint::Kind::kRegex, .param = "guided_regex", .text = "a("};
  const auto refused = cache.get(constraint);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().param, "guided_regex");
  EXPECT_TRUE(refused.error().message.starts_with("guided_regex: "));
}

}  // namespace
}  // namespace chasqui::api
