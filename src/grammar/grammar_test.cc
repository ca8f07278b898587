#include <fmt/format.h>
#include <gmock/gmock.h>

#include "grammar/matcher.h"
#include "grammar/testing/twins.h"

namespace json = boost::json;

namespace chasqui::grammar {
namespace {

using testing::accepts;
using testing::accepts_checked;
using testing::accepts_tokens;
using ::testing::HasSubstr;
using testing::small_table;

struct Expectation {
  const char* source;
  std::vector<const char*> accepted;
  std::vector<const char*> refused;
};

template <typename Compile>
void check(const std::vector<Expectation>& cases, const Compile& compile) {
  for (const Expectation& each : cases) {
    SCOPED_TRACE(each.source);
    const Result<GrammarPtr> grammar = compile(each.source);
    ASSERT_TRUE(grammar) << grammar.error().message;
    for (const char* text : each.accepted) EXPECT_TRUE(accepts_checked(*grammar, text)) << text;
    for (const char* text : each.refused) EXPECT_FALSE(accepts(*grammar, text)) << text;
  }
}

Result<GrammarPtr> schema_of(std::string_view text) {
  return compile_json_schema(json::parse(text), small_table());
}

std::string error_of(const Result<GrammarPtr>& result) {
  return result ? "" : result.error().message;
}

TEST(Regexes, Language) {
  check(
      {
          {"a|bc", {"a", "bc"}, {"", "b", "abc"}},
          {"^a$", {"a"}, {"aa"}},
          {"\\d{2,3}", {"12", "123"}, {"1", "1234"}},
          {"[^\\w]", {"-", "\xC3\xA9"}, {"a", "_", "\xC3"}},
          {".", {"x", "\xE2\x82\xAC"}, {"\n", "", "xy"}},
          {"a{0,65535}", {"", "aaa"}, {"b"}},
          {"(?!ab)a.", {"ac"}, {"ab"}},
          {"(?=.b)a.", {"ab"}, {"ac"}},
          {"\\p{Lu}+", {"AB", "\xC3\x89"}, {"Ab"}},
          {"x{,3}", {"x{,3}"}, {"x"}},
          {"(?:yes|no)\\.", {"yes.", "no."}, {"yes"}},
      },
      [](const char* source) { return compile_regex(source, small_table()); });
}

TEST(Regexes, Errors) {
  const auto error = [](const char* source) {
    return error_of(compile_regex(source, small_table()));
  };
  EXPECT_THAT(error("a("), HasSubstr("not closed"));
  EXPECT_THAT(error("[b-a]"), HasSubstr("out of order"));
  EXPECT_THAT(error("*"), HasSubstr("nothing to repeat"));
  EXPECT_THAT(error("(a)\\1"), HasSubstr("back reference"));
  EXPECT_THAT(error("(?<=a)b"), HasSubstr("look-behind"));
  EXPECT_THAT(error("(^a)*"), HasSubstr("anchor"));
  EXPECT_THAT(error(std::string(5000, '(').c_str()), HasSubstr("nested too deeply"));
}

TEST(Grammars, Language) {
  check(
      {
          {"root ::= \"(\" root \")\" | \"x\"", {"x", "((x))"}, {"(x", ")"}},
          {"root ::= a{2,3} # twice\na ::= [0-9] | \"\\x41\"", {"1A", "AAA"}, {"1", "1234"}},
          {"root ::= item+\nitem ::= \"-\" [^\\n]* \"\\n\"", {"-a\n-b\n"}, {"-a", ""}},
          {"root ::= (p){2} \"!\"\np ::= \"<\" p? \">\"", {"<><<>>!"}, {"<>!", "<><><>!"}},
          {"root ::= . .\n", {"a\xC3\xA9"}, {"a"}},
          {"root ::= \"a\"\n  | \"b\"", {"a", "b"}, {"ab"}},
      },
      [](const char* source) { return compile_gbnf(source, small_table()); });
}

TEST(Grammars, ErrorsNameThePlace) {
  const auto error = [](std::string_view source) {
    return error_of(compile_gbnf(source, small_table()));
  };
  EXPECT_THAT(error("x ::= \"a\""), HasSubstr("no rule named root"));
  EXPECT_THAT(error("root ::= y"), HasSubstr("line 1, column 10: the rule y is not defined"));
  EXPECT_THAT(error("root ::= \"a\"\nb := c"), HasSubstr("line 2, column 4: expected ::="));
  EXPECT_THAT(error("root ::= x\nx ::= x \"a\""), HasSubstr("line 2, column 1: the rule x calls"));
  EXPECT_THAT(error("root ::= \"a\" root"), HasSubstr("no text ever ends"));
  EXPECT_THAT(error("root ::= " + std::string(9999, '(')), HasSubstr("nested too deeply"));
  EXPECT_THAT(error("root ::= \"a\"{5,2}"), HasSubstr("out of order"));
}

TEST(Grammars, TokenLiterals) {
  const TokenTablePtr table = small_table();
  const int32_t think = *table->named("<think>");
  const int32_t behind = *table->named("</think>");
  const auto grammar = *compile_gbnf("root ::= <think> !</think>* </think> [a-c]+", table);
  const Matcher start(grammar);
  EXPECT_TRUE(accepts_tokens(start, {think, 'x', 256, behind, 'a'}));
  EXPECT_TRUE(accepts_tokens(start, {think, think, behind, 'a', 'b'}));
  EXPECT_FALSE(accepts_tokens(start, {think, behind}));
  EXPECT_FALSE(accepts_tokens(start, {think, behind, behind}));
  EXPECT_FALSE(accepts_tokens(start, {'<', 't'}));  // the text is not the token
  TokenMask mask;
  Matcher matcher = start;
  matcher.mask(mask);
  EXPECT_EQ(mask.only(), think);
  ASSERT_TRUE(matcher.accept(think));
  matcher.mask(mask);
  const int32_t end = *table->named("</s>");
  for (int32_t token = 0; token < mask.size(); ++token) EXPECT_EQ(mask.has(token), token != end);
  ASSERT_TRUE(matcher.accept(behind));
  ASSERT_TRUE(matcher.accept('a'));
  matcher.roll_back(2);
  EXPECT_TRUE(accepts_tokens(matcher, {'z', behind, 'a'}));
}

TEST(Grammars, ATokenIsItsTextAndItsLiteral) {
  const auto grammar = *compile_gbnf(
      "root ::= <[97]> \"1\" | \"a\" \"2\" | x\nx ::= \"(\" x \")\" | <[98]>", small_table());
  const Matcher start(grammar);
  EXPECT_TRUE(accepts_tokens(start, {'a', '1'}));
  EXPECT_TRUE(accepts_tokens(start, {'a', '2'}));
  EXPECT_FALSE(accepts_tokens(start, {'a', '3'}));
  EXPECT_TRUE(accepts_tokens(start, {'(', '(', 'b', ')', ')'}));
  EXPECT_FALSE(accepts_tokens(start, {'(', 'a', ')'}));
  EXPECT_FALSE(accepts_tokens(start, {0xFF, 0, 0, 'a', '1'}));  // nobody spells a literal in bytes
}

TEST(Grammars, TokenLiteralsThatAreNone) {
  const auto error = [](std::string_view source) {
    return error_of(compile_gbnf(source, small_table()));
  };
  EXPECT_THAT(error("root ::= <nope>"),
              HasSubstr("line 1, column 10: the vocabulary has no token"));
  EXPECT_THAT(error("root ::= <[9999]>"), HasSubstr("expected a token from 0 to"));
  EXPECT_THAT(error("root ::= <[12>"), HasSubstr("expected ]>"));
  EXPECT_THAT(error("root ::= <think\n"), HasSubstr("not closed"));
  EXPECT_THAT(error("root ::= </s>"), HasSubstr("ends the generation"));
  EXPECT_THAT(error("root ::= !x"), HasSubstr("expected < behind !"));
}

// Sources that would take forever or all memory if somebody unrolled them, followed them by
// recursion, or looked at each rule once for every other. Each is compiled or refused, and then
// gives a mask or the bound's empty one.
TEST(Grammars, HostileSourcesAreBounded) {
  std::string doubling = "root ::= r0\n", chain = "root ::= r0\n", loop = "root ::= r0\n";
  for (int i = 0; i < 60; ++i) {
    doubling += fmt::format("r{} ::= r{} r{} \"a\"\n", i, i + 1, i + 1);
  }
  doubling += "r60 ::= \"b\"\n";
  for (int i = 0; i < 40'000; ++i) chain += fmt::format("r{} ::= r{}\n", i, i + 1);
  loop = chain + "r40000 ::= r40000 \"a\"\n";
  chain += "r40000 ::= \"a\"\n";
  const auto compile = [](const std::string& source) {
    return compile_gbnf(source, small_table());
  };
  EXPECT_TRUE(accepts(*compile(chain), "a"));
  EXPECT_THAT(error_of(compile(loop)), HasSubstr("left recursion"));
  EXPECT_THAT(error_of(compile(doubling)), HasSubstr("more memory"));
  const auto counted = compile("root ::= ((\"a\"{0,1000000}){0,1000000}){0,1000000}");
  EXPECT_TRUE(accepts(*counted, std::string(50, 'a')));
  EXPECT_THAT(error_of(compile("root ::= \"a\"{0,1000001}")), HasSubstr("too large"));
  // More ways through at once than a grammar may have, and just not too many.
  const std::string x = "\nx ::= \"a\"? | \"(\" x \")\" | \"a\" x{0,9999}";
  EXPECT_THAT(error_of(compile("root ::= x{0,5000}" + x)), HasSubstr("more memory"));
  const auto ways = compile("root ::= x{0,50}" + x);
  ASSERT_TRUE(ways) << ways.error().message;
  Matcher matcher(*ways);
  TokenMask mask;
  for (int i = 0; i < 30 && matcher.accept('a'); ++i) matcher.mask(mask);
}

TEST(Regexes, HostileSourcesAreBounded) {
  for (const char* source :
       {"((a{0,65535}){0,65535}){0,65535}", "(a|b|ab)*(a|b|ba)*(a|ab){0,60000}c",
        "(?!(a|b)*aaaaaaaaaaaa)(?=.*b.{200}).*", "((a*)*)*b", "(.*a){60}",
        "(?=.*a.{12}$)(?=.*b.{13}$)(?=.*c.{14}$).*"}) {
    SCOPED_TRACE(source);
    const auto grammar = compile_regex(source, small_table());
    if (!grammar) continue;
    Matcher matcher(*grammar);
    TokenMask mask;
    for (int i = 0; i < 40 && matcher.accept("ab"[i % 2]); ++i) matcher.mask(mask);
  }
}

TEST(Schemas, HostileSourcesAreBounded) {
  json::value deep = {{"type", "string"}};
  for (int i = 0; i < 300; ++i) deep = {{"items", deep}};
  EXPECT_THAT(error_of(compile_json_schema(deep, small_table())), HasSubstr("deep"));
  json::value wide = {{"type", "integer"}};
  for (int i = 0; i < 8; ++i) wide = {{"allOf", {wide, wide}}, {"properties", {{"a", wide}}}};
  const auto grammar = compile_json_schema(wide, small_table());
  EXPECT_TRUE(!grammar || accepts(*grammar, "1"));
}

TEST(Schemas, WhatIsUnevaluatedIsKnownFromTheSchema) {
  check(
      {
          {R"({"properties":{"a":true},"patternProperties":{"^x":true},"unevaluatedProperties":false})",
           {R"({"a":1})", R"({"x1":1,"a":2})"},
           {R"({"b":1})"}},
          {R"({"allOf":[{"$ref":"#/$defs/base"}],"properties":{"b":true},
               "unevaluatedProperties":{"type":"null"},"$defs":{"base":{"properties":{"a":{}}}}})",
           {R"({"a":1,"b":2,"c":null})"},
           {R"({"c":1})"}},
          {R"({"additionalProperties":{"type":"integer"},"unevaluatedProperties":false})",
           {R"({"c":1})"},
           {R"({"c":null})"}},
          {R"({"allOf":[{"prefixItems":[true,true]}],"prefixItems":[{"type":"null"}],
               "unevaluatedItems":false})",
           {"[null,1]", "[]"},
           {"[null,1,2]", "[1]"}},
      },
      [](const char* source) { return schema_of(source); });
  EXPECT_THAT(error_of(schema_of(R"({"allOf":[{"anyOf":[{}]}],"unevaluatedProperties":false})")),
              HasSubstr("#/allOf/0/anyOf: is not supported"));
  EXPECT_THAT(error_of(schema_of(R"({"contains":{},"unevaluatedItems":false})")),
              HasSubstr("#/contains: is not supported"));
}

// Keys that are told apart by their hashes and by what they must not be: masks take a short cut
// there, which check() holds against the matcher.
TEST(Schemas, KeysThatMayBeAnythingBut) {
  check(
      {
          {R"({"type":"object","propertyNames":{"not":{"enum":["a","b1"]}},"minProperties":2})",
           {R"({"b":1,"\u0061x":2})", R"({"ab":null,"é":1})"},
           {R"({"a":1,"c":2})", R"({"c":1})", R"({"\u0061":1,"c":2})", R"({"c":1,"c":2})"}},
          {R"({"type":"object","not":{"propertyNames":{"not":{"enum":["1","3"]}}}})",
           {R"({"x":1,"1":2})"},
           {R"({"x":1})", "{}"}},
      },
      [](const char* source) { return schema_of(source); });
}

TEST(Schemas, UniqueItemsOfAnEnum) {
  check(
      {
          {R"({"type":"array","items":{"enum":["a","b",1,null]},"uniqueItems":true})",
           {R"(["a"])", R"([null,1,"b","a"])", "[]"},
           {R"(["a","a"])", "[1,null,1]", R"(["c"])"}},
          {R"({"items":{"$ref":"#/$defs/x"},"uniqueItems":true,"minItems":2,
               "$defs":{"x":{"enum":["a","b"]}}})",
           {R"(["b","a"])", "3"},
           {R"(["b"])", R"(["b","b"])"}},
      },
      [](const char* source) { return schema_of(source); });
  EXPECT_THAT(error_of(schema_of(R"({"items":{"type":"string"},"uniqueItems":true})")),
              HasSubstr("#: uniqueItems is not supported but for"));
  EXPECT_THAT(error_of(schema_of(R"({"items":{"enum":[1,1.0]},"uniqueItems":true})")),
              HasSubstr("uniqueItems"));
}

TEST(Schemas, DynamicReferencesInsideOneResource) {
  check(
      {
          {R"({"$dynamicAnchor":"n","properties":{"a":{"$dynamicRef":"#n"}},"additionalProperties":false})",
           {R"({"a":{"a":{}}})"},
           {R"({"a":{"b":1}})"}},
          {R"({"$schema":"https://json-schema.org/draft/2019-09/schema","$recursiveAnchor":true,
               "properties":{"a":{"$recursiveRef":"#"}},"additionalProperties":false})",
           {R"({"a":{"a":{}}})"},
           {R"({"a":{"b":1}})"}},
      },
      [](const char* source) { return schema_of(source); });
  EXPECT_THAT(error_of(schema_of(R"({"$defs":{"o":{"$id":"o","$dynamicAnchor":"n"}},
                                     "$dynamicRef":"#n"})")),
              HasSubstr("#: $dynamicRef is not supported"));
}

TEST(Choices, AreExact) {
  const std::vector<std::string> texts = {"yes", "no", "yes sir"};
  const GrammarPtr grammar = *compile_choice(texts, small_table());
  for (const std::string& text : texts) EXPECT_TRUE(accepts_checked(grammar, text));
  EXPECT_FALSE(accepts(grammar, "ye"));
  EXPECT_FALSE(compile_choice({}, small_table()));
}

TEST(Choices, TenThousandAreNothing) {
  std::vector<std::string> texts;
  for (int i = 0; i < 10'000; ++i) texts.push_back("value number " + std::to_string(i));
  const GrammarPtr grammar = *compile_choice(texts, small_table());
  EXPECT_TRUE(accepts(grammar, "value number 9999"));
  EXPECT_LT(grammar->bytes_held(), 2 << 20);
}

TEST(Schemas, Language) {
  check(
      {
          {R"({"type":"integer","minimum":-5,"maximum":12})",
           {"-5", "0", "7", "12"},
           {"-6", "13", "01", "1.0", "1e0", "-"}},
          {R"({"type":"number","exclusiveMinimum":0.5,"multipleOf":0.25})",
           {"0.75", "3", "10.25"},
           {"0.5", "0.3", "-1"}},
          {R"({"type":"string","minLength":1,"maxLength":2})",
           {R"("a")", R"("é")", R"("\u00e9\n")"},
           {R"("")", R"("abc")", "\"a"}},
          {R"({"type":"string","pattern":"^[a-c]+$"})",
           {R"("abc")", R"("\u0061")"},
           {R"("abd")", R"("\u0064")", R"("")"}},
          {R"({"properties":{"a":{"type":"null"},"b":{"const":[1]}},"required":["b"],
               "additionalProperties":false,"type":"object"})",
           {R"({"b":[1]})", R"({"b": [1], "a": null})", "{\n  \"a\": null,\n  \"b\": [1]\n}"},
           {R"({"a":null})", R"({"b":[1],"c":1})", R"({"b":[1],"b":[1]})", R"({"b":[2]})"}},
          {R"({"$ref":"#/$defs/t","$defs":{"t":{"type":"array","items":{"$ref":"#/$defs/t"}}}})",
           {"[]", "[[],[[]]]"},
           {"[1]", "[", "{}"}},
          {R"({"oneOf":[{"type":"integer"},{"minimum":3}],"type":"number"})",
           {"1", "3.5"},
           {"3", "2.5"}},
          {R"({"not":{"type":"object"},"enum":["a",{"b":1},null]})",
           {R"("a")", "null"},
           {R"({"b":1})"}},
          {R"({"type":"object","patternProperties":{"^x":{"type":"integer"}},"minProperties":2})",
           {R"({"x1":1,"y":""})"},
           {R"({"x1":"","y":1})", R"({"x1":1})", R"({"y":1,"y":2})"}},
          {R"({"type":"array","contains":{"const":1},"maxContains":1,"maxItems":3})",
           {"[1]", "[2,1,3]"},
           {"[]", "[1,1]", "[2,2,2,1]"}},
          {R"({"contains":{"const":1},"minContains":0,"maxContains":1})",
           {"[]", "[2]", "[1]", "{}"},
           {"[1,1]"}},
          {R"({"format":"hostname","type":"string"})",
           {R"("a-b.example")"},
           {R"("-a")", R"("a..b")", R"("xn--x")"}},
          {R"({"format":"uri-reference","type":"string"})",
           {R"("http://x.org/a?b#c")", R"("//h:80/%20")", R"("a/b:c")", R"("")"},
           {R"("http://x.org/é")", R"("a:b c")", R"("%2")", R"("#a#b")"}},
          {R"({"format":"iri","type":"string"})",
           {R"("http://ƒøø.ßår/?∂éœ=πîx#πîüx")", R"("http://é@x.org:1/日?\uE000")",
            R"("http://[2001:db8::1]/")", R"("urn:\uD83D\uDE00")"},
           {R"("http://2001:0db8:85a3::7334")", R"("/abc")", R"("âππ")", R"("x:/\uE000")",
            R"("x:\uFFFE")", R"("x: ")"}},
          {R"({"format":"iri-reference","type":"string"})",
           {R"("âππ")", R"("#ƒrägmênt")", R"("//ƒøø.ßår/?∂éœ=πîx#πîüx")"},
           {R"("#ƒräg\\mênt")", R"("\\\\WINDOWS\\ß")"}},
          {R"({"format":"uri-template","type":"string"})",
           {R"("http://x.org/dictionary/{term:1}/{term}")", R"("{+a.b,c*}{?q%20,r}é")", R"("")",
            R"("{x:9999}")"},
           {R"("{term")", R"("term}")", R"("{}")", R"("{a:0}")", R"("{a:10000}")", R"("a b")",
            R"("<x>")", R"("{a,}")", R"("%")"}},
          {R"({"format":"date-time","type":"string"})",
           {R"("2024-02-29T10:00:00Z")"},
           {R"("2023-02-29T10:00:00Z")", R"("2024-01-01")"}},
          {R"({"type":"object","dependentRequired":{"a":["b"]},"propertyNames":{"maxLength":1}})",
           {R"({"a":1,"b":2})", R"({"b":1})"},
           {R"({"a":1})", R"({"long":1})"}},
          {R"({"if":{"type":"string"},"then":{"const":"x"},"else":{"type":"null"}})",
           {R"("x")", "null"},
           {R"("y")", "1"}},
      },
      [](const char* source) { return schema_of(source); });
}

TEST(Schemas, RefusalsNameThePlace) {
  EXPECT_THAT(
      error_of(schema_of(R"({"properties":{"a":{"oneOf":[true],"unevaluatedItems":false}}})")),
      HasSubstr("#/properties/a/oneOf: is not supported beside or below unevaluatedItems"));
  EXPECT_THAT(error_of(schema_of(R"({"items":{"$ref":"http://x/y"}})")),
              HasSubstr("#/items: $ref to another document"));
  EXPECT_THAT(error_of(schema_of(R"({"$ref":"#/nowhere"})")), HasSubstr("does not exist"));
  EXPECT_THAT(error_of(schema_of(R"({"pattern":"("})")), HasSubstr("#/pattern: character 2"));
  EXPECT_THAT(error_of(schema_of(R"({"type":"strin"})")), HasSubstr("#/type: must be"));
  EXPECT_THAT(error_of(schema_of(R"({"$ref":"#"})")), HasSubstr("applies itself"));
  EXPECT_THAT(error_of(schema_of(R"({"type":"integer","minimum":3,"maximum":1})")),
              HasSubstr("no value is accepted"));
}

TEST(Schemas, NestingIsBounded) {
  std::string deep = "true";
  for (int i = 0; i < 300; ++i) deep = R"({"items":)" + deep + "}";
  json::parse_options options;
  options.max_depth = 1000;
  json::error_code error;
  const json::value schema = json::parse(deep, error, {}, options);
  EXPECT_THAT(error_of(compile_json_schema(schema, small_table())), HasSubstr("too deeply"));
  const GrammarPtr any = *compile_json_schema(true, small_table());
  EXPECT_TRUE(accepts(any, std::string(150, '[') + std::string(150, ']')));
  EXPECT_FALSE(accepts(any, std::string(999, '[') + std::string(999, ']')));
}

TEST(Matchers, RollBackAndForcedBytes) {
  const GrammarPtr grammar = *schema_of(
      R"({"type":"object","properties":{"name":{"enum":["x"]}},"required":["name"],
          "additionalProperties":false})");
  Matcher matcher(grammar);
  for (const char byte : std::string_view("{\"")) ASSERT_TRUE(matcher.accept(byte));
  EXPECT_EQ(matcher.forced(4), "name");
  TokenMask before;
  matcher.mask(before);
  for (const char byte : std::string_view("name\":\"x\"}")) ASSERT_TRUE(matcher.accept(byte));
  EXPECT_TRUE(matcher.is_finished());
  ASSERT_TRUE(matcher.accept(small_table()->size() - 1));
  EXPECT_FALSE(matcher.accept('x'));
  matcher.roll_back(11);
  TokenMask after;
  matcher.mask(after);
  EXPECT_EQ(before, after);
}

}  // namespace
}  // namespace chasqui::grammar
