// Random grammars and schemas against slow matchers.
#include <gtest/gtest.h>

#include <regex>

#include "grammar/testing/twins.h"

namespace json = boost::json;

namespace chasqui::grammar {
namespace {

using namespace testing;

std::string random_text(Rng& rng, size_t longest) {
  std::string text;
  for (size_t i = pick(rng, longest + 1); i > 0; --i) text += static_cast<char>('a' + pick(rng, 2));
  return text;
}

TEST(Twins, RegularExpressions) {
  Rng rng(1);
  const TokenTablePtr table = small_table();
  for (int round = 0; round < 300; ++round) {
    const std::string source = random_regex(rng, 3);
    const auto grammar = compile_regex(source, table);
    ASSERT_TRUE(grammar) << source << grammar.error().message;
    const std::regex twin(source);
    for (int i = 0; i < 20; ++i) {
      const std::string text = random_text(rng, 8);
      EXPECT_EQ(accepts(*grammar, text), std::regex_match(text, twin)) << source << " on " << text;
    }
    if (round % 20 == 0) accepts_checked(*grammar, random_text(rng, 6));
  }
}

TEST(Twins, Grammars) {
  Rng rng(2);
  const TokenTablePtr table = small_table();
  int accepted = 0;
  for (int round = 0; round < 300; ++round) {
    const std::string source = random_gbnf(rng);
    const auto grammar = compile_gbnf(source, table);
    if (!grammar) continue;  // rules that never end
    ExprPool pool;
    const auto parsed = parse_gbnf(source, pool, *table);
    for (int i = 0; i < 20; ++i) {
      const std::string text = random_text(rng, 7);
      const bool expected = naive_gbnf_accepts(*parsed, pool, text);
      accepted += expected;
      EXPECT_EQ(accepts(*grammar, text), expected) << source << " on " << text;
    }
    if (round % 20 == 0) accepts_checked(*grammar, random_text(rng, 6));
  }
  EXPECT_GT(accepted, 300);  // the comparison is about something
}

TEST(Twins, Schemas) {
  Rng rng(3);
  const TokenTablePtr table = small_table();
  int accepted = 0;
  for (int round = 0; round < 1500; ++round) {
    const json::value schema = random_schema(rng, 3);
    const auto grammar = compile_json_schema(schema, table);
    for (int i = 0; i < 12; ++i) {
      const json::value value = random_value(rng, 2);
      const bool expected = naive_valid(schema, value);
      accepted += expected;
      if (!grammar) {
        EXPECT_FALSE(expected) << json::serialize(schema) << json::serialize(value);
        continue;
      }
      const std::string text = json_text(value);
      EXPECT_EQ(accepts(*grammar, text), expected) << json::serialize(schema) << " on " << text;
    }
    if (grammar && round % 50 == 0) accepts_checked(*grammar, json_text(random_value(rng, 2)));
  }
  EXPECT_GT(accepted, 2000);
}

}  // namespace
}  // namespace chasqui::grammar
