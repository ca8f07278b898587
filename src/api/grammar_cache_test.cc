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

// `count` times the same schema of some 100 kB, and `number` beside.
Constraint layout(int number, size_t count) {
  const std::string words(100'000, 'a');
  const auto schema = grammar::schema_text({{"const", words}});
  std::vector<grammar::Layout> parts(count, grammar::Layout::json(schema, "tools"));
  parts.push_back(grammar::Layout::words(fmt::format("{}", number)));
  Constraint constraint = {.kind = Constraint::Kind::kLayout, .param = "tools"};
  constraint.layout = grammar::Layout::of(grammar::Layout::Kind::kSequence, std::move(parts));
  return constraint;
}

TEST(GrammarCache, CountsSchemasOfLayoutsOnce) {
  constexpr size_t kFit = 4;
  const auto tokenizer = chasqui::testing::tiny_tokenizer();
  GrammarCache measure(tokenizer);
  const size_t bytes = (*measure.get(layout(0, 50)))->bytes_held();
  EXPECT_GT(bytes, 100'000u);
  EXPECT_LT(bytes, 1'000'000u);
  GrammarCache cache(tokenizer, kFit * (bytes + 110'000));
  std::vector<grammar::GrammarPtr> grammars;
  for (int i = 0; i < 8; ++i) grammars.push_back(*cache.get(layout(i, 50)));
  for (int i = 4; i < 8; ++i)
    EXPECT_EQ(*cache.get(layout(i, 50)), grammars[static_cast<size_t>(i)]);
  EXPECT_NE(*cache.get(layout(3, 50)), grammars[3]);
}

TEST(GrammarCache, LayoutsThatDifferHaveGrammarsOfTheirOwn) {
  GrammarCache cache(chasqui::testing::tiny_tokenizer());
  const auto of = [&](std::vector<grammar::Layout> parts) {
    Constraint constraint = {.kind = Constraint::Kind::kLayout, .param = "tools"};
    constraint.layout = grammar::Layout::of(grammar::Layout::Kind::kSequence, std::move(parts));
    return *cache.get(constraint);
  };
  using grammar::Layout;
  const auto a = grammar::schema_text({{"const", 1}}), b = grammar::schema_text({{"const", 2}});
  const Layout one = Layout::json(a, ""), two = Layout::json(b, "");
  EXPECT_EQ(of({one, two, one}), of({one, two, one}));
  EXPECT_NE(of({one, two, one}), of({one, two, two}));
  EXPECT_NE(of({one}), of({Layout::json(a, "", true)}));
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
