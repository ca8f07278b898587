#include "grammar/layout.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "grammar/testing/twins.h"

namespace json = boost::json;

namespace chasqui::grammar {
namespace {

using testing::accepts;
using testing::accepts_checked;
using testing::accepts_tokens;
using testing::pick;
using testing::small_table;
using Kind = Layout::Kind;

Layout call_of(const char* name, const char* schema) {
  std::string words = "<";
  words.append(name).append(" ");
  return Layout::of(Layout::Kind::kSequence,
                    {Layout::words(std::move(words)),
                     Layout::json(schema_text(json::parse(schema)), name), Layout::words(">")});
}

// Two kinds of call with a common beginning, once or several times.
TEST(Layouts, WordsAroundSchemas) {
  const Layout calls =
      Layout::of(Layout::Kind::kMany,
                 {Layout::of(Layout::Kind::kChoice,
                             {call_of("ab", R"({"type":"object","required":["x"],"properties":
                                    {"x":{"type":"string"}},"additionalProperties":false})"),
                              call_of("abc", R"({"type":"integer"})")})});
  const auto grammar = compile_layout(calls, small_table());
  ASSERT_TRUE(grammar) << grammar.error().message;
  for (const char* text : {R"(<ab {"x":"ab"}>)", "<abc 12>", R"(<abc -3><ab {"x": ""}><abc 0>)"}) {
    EXPECT_TRUE(accepts_checked(*grammar, text)) << text;
  }
  for (const char* text : {"", "<ab {}>", "<abc >", "<abc 1", "<ab 1>", "<abc 1> ", "<abd 1>",
                           "<ab {\n\"x\":\"\"}>"}) {
    EXPECT_FALSE(accepts(*grammar, text)) << text;
  }
}

TEST(Layouts, ErrorsNameThePart) {
  const auto grammar = compile_layout(call_of("ab", R"({"type":5})"), small_table());
  ASSERT_FALSE(grammar);
  EXPECT_EQ(grammar.error().param, "ab");
}

// Schemas that may give way do, whatever is wrong with them; of others the place is named.
TEST(Layouts, SchemasMayGiveWay) {
  const auto bad = schema_text(json::parse(R"({"type": 5})"));
  const auto good = schema_text(json::parse(R"({"const": {}})"));
  const auto pair = [&](bool gives_way) {
    return Layout::of(Kind::kSequence, {Layout::json(bad, "first", true), Layout::words(","),
                                        Layout::json(bad, "second", gives_way), Layout::words(","),
                                        Layout::json(good, "third", true)});
  };
  const auto free = compile_layout(pair(true), small_table());
  ASSERT_TRUE(free) << free.error().message;
  EXPECT_TRUE(accepts_checked(*free, R"({},{"a":1},{})"));
  EXPECT_FALSE(accepts(*free, R"(1,{},{})"));
  EXPECT_FALSE(accepts(*free, R"({},{},{"a":1})"));
  const auto held = compile_layout(pair(false), small_table());
  ASSERT_FALSE(held);
  EXPECT_EQ(held.error().param, "second");
}

// The time of all schemas together is bounded: behind the deadline none is compiled.
TEST(Layouts, SchemasShareADeadline) {
  const auto schema = schema_text(json::parse(R"({"const": {}})"));
  const Deadline past = std::chrono::steady_clock::now();
  const auto late = compile_layout(Layout::json(schema, "a"), small_table(), past);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(late.error().param, "a");
  const auto gave_way = compile_layout(Layout::json(schema, "a", true), small_table(), past);
  ASSERT_TRUE(gave_way) << gave_way.error().message;
  EXPECT_TRUE(accepts(*gave_way, R"({"a":1})"));
}

TEST(Layouts, EqualSchemasAreHeldOnce) {
  const auto held = [](size_t count) {
    const std::string words(50'000, 'a');
    std::vector<Layout> parts;
    for (size_t i = 0; i < count; ++i) {
      parts.push_back(Layout::json(schema_text({{"const", words}}), ""));
    }
    return (*compile_layout(Layout::of(Kind::kSequence, parts), small_table()))->bytes_held();
  };
  EXPECT_GT(held(1), 50'000u);
  EXPECT_LT(held(20), held(1) + 50'000);
}

// A schema is compiled from its text, which spells numbers in its own way.
TEST(Layouts, SchemasOfLayoutsAreThoseOfDocuments) {
  Layout layout = Layout::json(schema_text(json::parse(R"({"enum": [1.0, 1e30, -0.5, "a"]})")), "");
  const GrammarPtr first = *compile_layout(layout, small_table());
  const GrammarPtr direct =
      *compile_json_schema(json::parse(R"({"enum": [1.0, 1e30, -0.5, "a"]})"), small_table());
  for (const char* text : {"1", "1.0", "1e30", "1e+30", "-0.5", "\"a\"", "2"}) {
    EXPECT_EQ(accepts(first, text), accepts(direct, text)) << text;
  }
}

GrammarPtr compiled(Layout layout) {
  return *compile_layout(std::move(layout), small_table());
}

TEST(Layouts, MarksAreTheVocabularysTokens) {
  const int32_t think = *small_table()->named("<think>");
  const int32_t behind = *small_table()->named("</think>");
  const Matcher marks(compiled(Layout::marked("x<think>ab</think>")));
  EXPECT_TRUE(accepts_tokens(marks, {'x', think, 'a', 'b', behind}));
  EXPECT_FALSE(accepts_tokens(marks, {'x', '<', 't'}));
  const Matcher words(compiled(Layout::words("x<think>")));
  EXPECT_TRUE(accepts_tokens(words, {'x', '<', 't', 'h', 'i', 'n', 'k', '>'}));
  EXPECT_FALSE(accepts_tokens(words, {'x', think}));
}

TEST(Layouts, AMarkThatEndsTheGenerationEndsTheText) {
  Matcher matcher(
      compiled(Layout::of(Kind::kSequence, {Layout::marked("x</s>y"), Layout::words("z")})));
  ASSERT_TRUE(matcher.accept('x'));
  EXPECT_TRUE(matcher.is_finished());
}

// Whoever writes a grammar gets control tokens only by their literals.
TEST(Layouts, OtherConstraintsHaveNoMarks) {
  const TokenTablePtr table = small_table();
  const GrammarPtr all[] = {*compile_gbnf("root ::= .*", table), *compile_regex("[^]*", table),
                            *compile_json_schema(json::parse(R"({"type":"string"})"), table),
                            *compile_choice(std::vector<std::string>{"<think>"}, table)};
  for (const GrammarPtr& grammar : all) {
    Matcher matcher(grammar);
    TokenMask mask;
    for (const char byte : std::string_view("\"<think>")) {
      matcher.mask(mask);
      for (const auto& [spelling, token] : table->marks()) {
        EXPECT_FALSE(mask.has(token) && !table->is_end(token)) << spelling;
      }
      matcher.accept(static_cast<uint8_t>(byte));
    }
  }
}

// "<t>" or a first "{", each with what must follow, among anything else.
Layout free_text() {
  return Layout::of(Kind::kMany,
                    {Layout::free({{"<think>"}, {"{", true}, {"<t>"}},
                                  {Layout::words("1"), Layout::words("2"), Layout::words("3")})});
}

TEST(Layouts, FreeTextUpToItsMarks) {
  const GrammarPtr grammar = compiled(free_text());
  for (const char* text : {"", "any <text { th", "<t>3", " {2", "a{b", "<<t>3{2x{<t>3\n", "\xFE"}) {
    EXPECT_TRUE(accepts_checked(grammar, text)) << text;
  }
  for (const char* text : {"<t>", "<t>4", "{", "{1", "<t>3\n{", "x<<t>{"}) {
    EXPECT_FALSE(accepts(grammar, text)) << text;
  }
}

TEST(Layouts, AMarkMayBeginBeforeFreeText) {
  const Layout free = Layout::free({{"\na:"}}, {Layout::words("1")}, ":\n");
  const GrammarPtr grammar = compiled(free);
  for (const char* text : {"", "a", "a:1", "b\na:1", "ba:", "\na:1", " a:"}) {
    EXPECT_TRUE(accepts_checked(grammar, text)) << text;
  }
  for (const char* text : {"a:", "a:2", "\na:x"}) EXPECT_FALSE(accepts(grammar, text)) << text;
}

TEST(Layouts, ControlTokensAreTheirSpellingInFreeText) {
  const int32_t think = *small_table()->named("<think>");
  const int32_t behind = *small_table()->named("</think>");
  const Matcher matcher(compiled(free_text()));
  EXPECT_TRUE(accepts_tokens(matcher, {'a', think, '1', behind, 'b'}));
  EXPECT_FALSE(accepts_tokens(matcher, {'a', think, 'b'}));
  EXPECT_TRUE(accepts_tokens(matcher, {'<', behind, '{', 't', '>'}));
  EXPECT_FALSE(accepts_tokens(matcher, {'<', 't', behind, '<', 't', '>', '4'}));
  EXPECT_FALSE(accepts_tokens(matcher, {'x', 0xFF}));
}

// The end of the first mark that is complete in `text`, and its index in free_text().
struct Found {
  size_t end = std::string::npos;
  char must_follow = 0;
};

Found first_mark(std::string_view text) {
  for (size_t end = 1; end <= text.size(); ++end) {
    const std::string_view before = text.substr(0, end);
    if (before.ends_with("<think>")) return {end, '1'};
    if (before.ends_with("<t>")) return {end, '3'};
    const bool is_first = before.find_first_not_of(" \n") == end - 1;
    if (before.ends_with('{') && is_first) return {end, '2'};
  }
  return {};
}

bool naive_free(std::string_view text) {
  for (Found found = first_mark(text); found.end <= text.size(); found = first_mark(text)) {
    text.remove_prefix(found.end);
    if (!text.starts_with(found.must_follow)) return false;
    text.remove_prefix(1);
  }
  return true;
}

TEST(Layouts, FreeTextIsWhatTheTwinSays) {
  constexpr const char* kPieces[] = {"<", "t", ">", "<t>", "<think>", "{",
                                     " ", "1", "2", "3",   "hin"};
  const GrammarPtr grammar = compiled(free_text());
  size_t accepted = 0;
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    Rng rng(seed);
    std::string text;
    for (int i = 0; i < 6; ++i) text += kPieces[pick(rng, std::size(kPieces))];
    const bool expected = naive_free(text);
    EXPECT_EQ(accepts(grammar, text), expected) << text;
    accepted += expected ? 1 : 0;
  }
  EXPECT_GT(accepted, 500u);
  EXPECT_LT(accepted, 1900u);
}

TEST(Layouts, MayEnd) {
  const GrammarPtr grammar = compiled(Layout::of(
      Kind::kSequence, {Layout::words("a"), Layout::of(Kind::kMayEnd, {}), Layout::words("b")}));
  EXPECT_TRUE(accepts(grammar, "a"));
  EXPECT_TRUE(accepts(grammar, "ab"));
  EXPECT_FALSE(accepts(grammar, ""));
}

}  // namespace
}  // namespace chasqui::grammar
