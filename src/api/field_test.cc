#include "api/internal/field.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/internal/requests.h"

namespace json = boost::json;

namespace chasqui::api {
namespace {

using ::testing::HasSubstr;

template <typename T>
Error error_of(const Result<T>& result) {
  return result ? Error{ErrorCode::kInternal, "accepted", "accepted"} : result.error();
}

json::object object(std::string_view text) {
  return json::parse(text).as_object();
}

Result<CompletionBody> completion(std::string_view text) {
  return read_completion(object(text));
}
Result<ChatBody> chat_body(std::string fields) {
  return read_chat(object(R"({"messages":[{"role":"user","content":"x"}])" +
                          (fields.empty() ? "" : "," + fields) + "}"));
}

TEST(ParseBody, RefusesWhatIsNoJson) {
  for (const std::string text :
       {"", " ", "{", "[1]", "\"x\"", "{\"a\":NaN}", "{\"a\":1} x", "{'a':1}", "\xff\xfe",
        "{\"a\":\"\xff\"}", "{\"a\":\"\xed\xa0\x80\"}", "{\"a\":\"\\ud800\"}", "{\"a\":01}"}) {
    const auto parsed = parse_body(text);
    ASSERT_FALSE(parsed.has_value()) << text;
    EXPECT_EQ(parsed.error().code, ErrorCode::kInvalidArgument);
  }
  EXPECT_TRUE(parse_body("{\"a\":1,\"a\":2}").has_value());
}

TEST(ParseBody, BoundsTheDepth) {
  const auto nested = [](size_t depth) {
    return "{\"a\":" + std::string(depth, '[') + std::string(depth, ']') + "}";
  };
  EXPECT_TRUE(parse_body(nested(40)).has_value());
  for (const size_t depth : {64u, 200u, 3000u, 1000000u}) {
    EXPECT_THAT(error_of(parse_body(nested(depth))).message, HasSubstr("64 levels"));
    EXPECT_FALSE(parse_body(std::string(depth, '[')).has_value());
  }
}

TEST(CompletionFields, DefaultsAreTheReplacedServers) {
  const auto body = completion("{}");
  ASSERT_TRUE(body.has_value());
  EXPECT_EQ(body->max_tokens, 16);
  EXPECT_EQ(body->prompts.size(), 1u);
  EXPECT_EQ(body->prompts[0].text, "");
  EXPECT_FLOAT_EQ(body->sampling.temperature, 0.8f);
  EXPECT_FLOAT_EQ(body->sampling.top_p, 0.95f);
  EXPECT_FLOAT_EQ(body->sampling.min_p, 0.05f);
  EXPECT_EQ(body->sampling.top_k, 40);
  EXPECT_FLOAT_EQ(body->sampling.repeat_penalty, 1.1f);
  EXPECT_FLOAT_EQ(body->sampling.mirostat_tau, 5.0f);
  EXPECT_FLOAT_EQ(body->sampling.mirostat_eta, 0.1f);
  EXPECT_EQ(body->sampling.seed, std::nullopt);
  EXPECT_EQ(body->n, 1);
  EXPECT_FALSE(body->stream);
}

// What the rows promise as default is what the structs hold.
template <typename Body>
void expect_same_json(const json::object& with, std::span<const Field<Body>> rows) {
  for (const Field<Body>& row : rows) {
    json::error_code error;
    json::parse(row.spec.fallback, error);
    EXPECT_FALSE(error) << row.spec.name << ": " << row.spec.fallback;
    EXPECT_FALSE(row.spec.help.empty()) << row.spec.name;
    EXPECT_FALSE(with.contains(row.spec.name)) << row.spec.name << " twice";
  }
}

TEST(Rows, HaveValidDefaultsHelpAndUniqueNames) {
  expect_same_json(json::object(), generation_fields());
  json::object shared;
  for (const auto& row : generation_fields()) shared[row.spec.name] = 1;
  expect_same_json(shared, completion_fields());
  expect_same_json(shared, chat_fields());
  expect_same_json(json::object(), embedding_fields());
  expect_same_json(json::object(), rerank_fields());
}

TEST(Rows, AcceptTheirOwnDefaults) {
  json::object object;
  for (const auto& row : generation_fields())
    object[row.spec.name] = json::parse(row.spec.fallback);
  for (const auto& row : completion_fields())
    object[row.spec.name] = json::parse(row.spec.fallback);
  const auto body = read_completion(object);
  EXPECT_TRUE(body.has_value()) << error_of(body).message;
}

// A value of each wrong kind in each field of each request: always refused, always by name.
TEST(Rows, RefuseEveryWrongTypeByName) {
  const std::vector<json::value> values = {
      true, 7, 0.5, "text", json::array{json::object()}, json::object{{"x", json::array()}}};
  const auto check = [&](const FieldSpec& spec, auto read, const json::object& base) {
    for (const json::value& value : values) {
      json::object object = base;
      object[spec.name] = value;
      const auto body = read(object);
      if (check_field(spec, value, spec.name)) continue;  // a right type for once
      ASSERT_FALSE(body.has_value()) << spec.name << " " << json::serialize(value);
      EXPECT_EQ(body.error().param, spec.name);
      EXPECT_THAT(body.error().message, HasSubstr(std::string(spec.name) + " must be"));
    }
  };
  const json::object chat = object(R"({"messages":[{"role":"user","content":"x"}]})");
  const json::object embed = object(R"({"input":"x"})");
  for (const auto& row : generation_fields()) check(row.spec, read_completion, {});
  for (const auto& row : generation_fields()) check(row.spec, read_chat, chat);
  for (const auto& row : completion_fields()) check(row.spec, read_completion, {});
  for (const auto& row : chat_fields()) check(row.spec, read_chat, chat);
  for (const auto& row : embedding_fields()) check(row.spec, read_embedding, embed);
  const json::object rank = object(R"({"query":"x","documents":["y"]})");
  for (const auto& row : rerank_fields()) check(row.spec, read_rerank, rank);
}

TEST(Numbers, WholeNumbersMayBeWrittenAsFloats) {
  EXPECT_EQ(completion(R"({"max_tokens":3.0})")->max_tokens, 3);
  EXPECT_EQ(completion(R"({"max_tokens":3e2})")->max_tokens, 300);
  EXPECT_FALSE(completion(R"({"max_tokens":3.5})").has_value());
}

TEST(Numbers, OverflowIsRefusedWithTheRange) {
  for (const char* text :
       {R"({"temperature":1e400})", R"({"temperature":-1e400})", R"({"top_k":1e400})",
        R"({"top_k":99999999999999999999})", R"({"n":9223372036854775807})",
        R"({"max_tokens":-9223372036854775808})", R"({"logit_bias":{"1":1e400}})"}) {
    json::error_code error;
    const auto parsed = parse_body(text);
    if (!parsed) continue;  // refused by the parser: as good
    EXPECT_FALSE(read_completion(*parsed).has_value()) << text;
  }
  const Error error = error_of(completion(R"({"top_p":2.5})"));
  EXPECT_EQ(error.message, "top_p must be a number between 0 and 1, but is the number 2.5");
  EXPECT_EQ(error.param, "top_p");
}

// As in later versions of the replaced server.
TEST(Numbers, TemperaturesHaveNoBoundThatMatters) {
  EXPECT_FLOAT_EQ(completion(R"({"temperature":2.5})")->sampling.temperature, 2.5f);
  EXPECT_FLOAT_EQ(completion(R"({"temperature":-1})")->sampling.temperature, 0.0f);
  EXPECT_FALSE(completion(R"({"temperature":1e7})").has_value());
}

TEST(Numbers, NoLimitIsNotTheDefaultLimit) {
  EXPECT_EQ(completion(R"({})")->max_tokens, 16);
  EXPECT_EQ(completion(R"({"max_tokens":null})")->max_tokens, std::nullopt);
  EXPECT_EQ(completion(R"({"max_tokens":0})")->max_tokens, std::nullopt);
}

TEST(Numbers, Seeds) {
  EXPECT_EQ(completion(R"({"seed":7})")->sampling.seed, 7u);
  EXPECT_EQ(completion(R"({"seed":18446744073709551615})")->sampling.seed, UINT64_MAX);
  EXPECT_EQ(completion(R"({"seed":-1})")->sampling.seed, std::nullopt);
  EXPECT_TRUE(completion(R"({"seed":-2})")->sampling.seed.has_value());
  EXPECT_FALSE(completion(R"({"seed":0.5})").has_value());
}

TEST(Stops, TextOrListWithCaps) {
  EXPECT_EQ(completion(R"({"stop":"a"})")->stops, std::vector<std::string>{"a"});
  EXPECT_EQ(completion(R"({"stop":["a","","b"]})")->stops, (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(completion(R"({"stop":""})")->stops.empty());
  EXPECT_EQ(error_of(completion(R"({"stop":["a",null]})")).param, "stop[1]");
  EXPECT_TRUE(read_completion({{"stop", json::array(128, "x")}}).has_value());
  json::array many(129, "x");
  EXPECT_EQ(error_of(read_completion({{"stop", many}})).param, "stop");
  EXPECT_FALSE(read_completion({{"stop", std::string(1025, 'x')}}).has_value());
  EXPECT_TRUE(read_completion({{"stop", std::string(1024, 'x')}}).has_value());
  const json::array long_ones(17, json::value(std::string(1000, 'x')));
  EXPECT_THAT(error_of(read_completion({{"stop", long_ones}})).message, HasSubstr("together"));
}

TEST(Body, ErrorsSayWhereTheTextStopsBeingJson) {
  EXPECT_THAT(error_of(parse_body("{\"prompt\": \"x\",\n  oops}")).message,
              HasSubstr("at line 2, column 3"));
  EXPECT_THAT(error_of(parse_body("{} {}")).message, HasSubstr("at line 1, column 4"));
  EXPECT_THAT(error_of(parse_body("")).message, HasSubstr("nothing there"));
  EXPECT_THAT(error_of(parse_body(std::string(65, '['))).message, HasSubstr("more than 64 levels"));
}

TEST(Caps, HoldEveryListAndCount) {
  json::object bias;
  for (int i = 0; i < 1025; ++i) bias[std::to_string(i)] = 1;
  EXPECT_EQ(error_of(read_completion({{"logit_bias", bias}})).param, "logit_bias");
  EXPECT_EQ(error_of(completion(R"({"n":129})")).param, "n");
  EXPECT_EQ(error_of(completion(R"({"best_of":129})")).param, "best_of");
  EXPECT_EQ(error_of(completion(R"({"logprobs":21})")).param, "logprobs");
  EXPECT_EQ(error_of(chat_body(R"("logprobs":true,"top_logprobs":21)")).param, "top_logprobs");
  EXPECT_EQ(error_of(read_completion({{"prompt", json::array(129, "x")}})).param, "prompt");
  EXPECT_EQ(error_of(read_completion({{"prompt", json::array(3, "x")}, {"n", 128}})).param, "n");
  EXPECT_EQ(error_of(read_embedding({{"input", json::array(2049, "x")}})).param, "input");
  EXPECT_EQ(error_of(read_completion({{"model", std::string(600, 'x')}})).param, "model");
}

TEST(Prompts, EveryShape) {
  EXPECT_EQ(completion(R"({"prompt":[]})")->prompts.size(), 1u);
  EXPECT_EQ(completion(R"({"prompt":["a","b"]})")->prompts.size(), 2u);
  EXPECT_EQ(completion(R"({"prompt":[1,2]})")->prompts[0].tokens, (std::vector<int64_t>{1, 2}));
  const auto mixed = completion(R"({"prompt":[[1],"b"]})");
  ASSERT_TRUE(mixed.has_value());
  EXPECT_TRUE(mixed->prompts[0].is_tokens);
  EXPECT_FALSE(mixed->prompts[1].is_tokens);
  EXPECT_EQ(error_of(completion(R"({"prompt":[1,"b"]})")).param, "prompt[1]");
  EXPECT_EQ(error_of(completion(R"({"prompt":["a",1]})")).param, "prompt[1]");
  EXPECT_EQ(error_of(completion(R"({"prompt":[[1.5]]})")).param, "prompt[0][0]");
  EXPECT_EQ(error_of(completion(R"({"prompt":{}})")).param, "prompt");
  EXPECT_EQ(error_of(read_embedding(object(R"({"input":[]})"))).param, "input");
  EXPECT_EQ(error_of(read_embedding(object("{}"))).param, "input");
}

TEST(BestOf, BindsToN) {
  EXPECT_TRUE(completion(R"({"n":2,"best_of":1})").has_value());  // the old default
  EXPECT_EQ(error_of(completion(R"({"n":4,"best_of":2})")).param, "best_of");
  EXPECT_EQ(error_of(completion(R"({"best_of":2,"stream":true})")).param, "best_of");
  EXPECT_TRUE(completion(R"({"n":2,"best_of":2,"stream":true})").has_value());
}

TEST(ChatFields, MaxTokens) {
  EXPECT_EQ(chat_body("")->max_tokens, std::nullopt);
  EXPECT_EQ(chat_body(R"("max_tokens":0)")->max_tokens, std::nullopt);
  EXPECT_EQ(chat_body(R"("max_tokens":-1)")->max_tokens, std::nullopt);
  EXPECT_EQ(chat_body(R"("max_tokens":9)")->max_tokens, 9);
  EXPECT_EQ(chat_body(R"("max_tokens":9,"max_completion_tokens":5)")->max_tokens, 5);
  EXPECT_EQ(error_of(chat_body(R"("max_completion_tokens":0)")).param, "max_completion_tokens");
}

TEST(ChatFields, Tools) {
  const auto refused = [](const char* fields, const char* param) {
    EXPECT_EQ(error_of(chat_body(fields)).param, param) << fields;
  };
  refused(R"("tools":[1])", "tools[0]");
  refused(R"("tools":[{}])", "tools[0].type");
  refused(R"("tools":[{"type":"custom"}])", "tools[0].type");
  refused(R"("tools":[{"type":"function"}],"tool_choice":"none")", "tools[0].function");
  refused(R"("tools":[{"type":"function","function":{}}])", "tools[0].function.name");
  refused(R"("tools":[{"type":"function","function":{"name":"a b"}}])", "tools[0].function.name");
  refused(R"("tools":[{"type":"function","function":{"name":"f","parameters":[]}}])",
          "tools[0].function.parameters");
  refused(R"("tools":[{"type":"function","function":{"name":"f","strict":1}}])",
          "tools[0].function.strict");
  refused(R"("functions":[{"name":"f"},{"name":"f"}])", "functions[1].name");
  refused(R"("tools":[{"type":"function","function":{"name":"f"}}],"functions":[{"name":"f"}])",
          "functions");
  refused(R"("tool_choice":"required")", "tool_choice");
  refused(R"("tool_choice":"maybe")", "tool_choice");
  refused(R"("function_call":{"name":"f"})", "function_call");
  refused(R"("functions":[{"name":"f"}],"function_call":{"name":"g"})", "function_call");
  refused(R"("tools":[{"type":"function","function":{"name":"f"}}],
             "tool_choice":{"type":"function","function":{"name":"g"}})",
          "tool_choice");
  refused(R"("functions":[{"name":"f"}],"function_call":{"name":"f"},
             "response_format":{"type":"json_object"})",
          "response_format");
  std::string many = R"("functions":[{"name":"f"})";
  for (int i = 0; i < 128; ++i) many += R"(,{"name":"f"})";
  refused((many + "]").c_str(), "functions");
  const auto body = chat_body(R"("functions":[{"name":"f"}],"function_call":{"name":"f"})");
  ASSERT_TRUE(body);
  EXPECT_TRUE(body->tools.forced && body->tools.old_style && !body->tools.parallel);
  EXPECT_EQ(body->tools.forced_name, "f");
}

TEST(ChatFields, NothingIsIgnoredSilently) {
  for (const char* fields :
       {R"("tools":[],"tool_choice":"auto")", R"("tools":null,"functions":[])",
        R"("response_format":{"type":"text"})", R"("response_format":null,"grammar":null)",
        R"("an_unknown_field":[1])"}) {
    EXPECT_TRUE(chat_body(fields).has_value()) << fields;
  }
  EXPECT_EQ(error_of(chat_body(R"("response_format":{"type":"xml"})")).param,
            "response_format.type");
}

TEST(ChatFields, Constraints) {
  using Kind = Constraint::Kind;
  const auto kind = [](const char* fields) { return chat_body(fields)->constraint.kind; };
  EXPECT_EQ(kind(R"("response_format":{"type":"text"})"), Kind::kNone);
  EXPECT_EQ(kind(R"("response_format":{"type":"json_object"})"), Kind::kJsonObject);
  EXPECT_EQ(kind(R"("response_format":{"type":"json_object","schema":{}})"), Kind::kSchema);
  EXPECT_EQ(kind(R"("response_format":{"type":"json_schema","json_schema":{"schema":{}}})"),
            Kind::kSchema);
  EXPECT_EQ(kind(R"("grammar":"root ::= \"a\"")"), Kind::kGbnf);
  EXPECT_EQ(kind(R"("grammar":"x","response_format":{"type":"json_object"})"), Kind::kJsonObject);
  EXPECT_EQ(kind(R"("guided_json":"{}")"), Kind::kSchema);
  EXPECT_EQ(kind(R"("guided_regex":"a")"), Kind::kRegex);
  EXPECT_EQ(kind(R"("guided_choice":["a"])"), Kind::kChoice);
  EXPECT_EQ(kind(R"("guided_grammar":"x")"), Kind::kGbnf);
  EXPECT_EQ(kind(R"("structured_outputs":{"regex":"a","json":null})"), Kind::kRegex);
  EXPECT_EQ(kind(R"("structured_outputs":{"json_object":true})"), Kind::kJsonObject);
  const auto param = [](const char* fields) { return error_of(chat_body(fields)).param; };
  EXPECT_EQ(param(R"("response_format":{"type":"json_schema"})"), "response_format.json_schema");
  EXPECT_EQ(param(R"("response_format":{"type":"json_schema","json_schema":{}})"),
            "response_format.json_schema.schema");
  EXPECT_EQ(param(R"("guided_choice":["a",1])"), "guided_choice[1]");
  EXPECT_EQ(param(R"("guided_json":"{")"), "guided_json");
  EXPECT_EQ(param(R"("guided_regex":"a","guided_choice":["a"])"), "guided_choice");
  EXPECT_EQ(param(R"("structured_outputs":{"regex":"a","choice":["a"]})"), "structured_outputs");
  EXPECT_EQ(param(R"("guided_regex":"a","response_format":{"type":"json_object"})"),
            "response_format");
}

struct MessageCase {
  const char* messages;
  const char* param;
};

TEST(Messages, ErrorsNameThePath) {
  const MessageCase cases[] = {
      {"[]", "messages"},
      {"[5]", "messages[0]"},
      {R"([{"content":"x"}])", "messages[0].role"},
      {R"([{"role":"robot","content":"x"}])", "messages[0].role"},
      {R"([{"role":7,"content":"x"}])", "messages[0].role"},
      {R"([{"role":"user"}])", "messages[0].content"},
      {R"([{"role":"user","content":"x"},{"role":"user","content":{}}])", "messages[1].content"},
      {R"([{"role":"user","content":["x"]}])", "messages[0].content[0]"},
      {R"([{"role":"user","content":[{"text":"x"}]}])", "messages[0].content[0].type"},
      {R"([{"role":"user","content":[{"type":"text"}]}])", "messages[0].content[0].text"},
      {R"([{"role":"user","content":[{"type":"text","text":1}]}])", "messages[0].content[0].text"},
      {R"([{"role":"user","content":[{"type":"image_url","image_url":"x"}]}])",
       "messages[0].content[0]"},
      {R"([{"role":"user","content":"x","name":1}])", "messages[0].name"},
      {R"([{"role":"assistant","tool_calls":{}}])", "messages[0].tool_calls"},
      {R"([{"role":"assistant","tool_calls":[1]}])", "messages[0].tool_calls[0]"},
      {R"([{"role":"assistant","tool_calls":[{}]}])", "messages[0].tool_calls[0].function"},
      {R"([{"role":"assistant","tool_calls":[{"function":{}}]}])",
       "messages[0].tool_calls[0].function.name"},
      {R"([{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":1}}]}])",
       "messages[0].tool_calls[0].function.arguments"},
      {R"([{"role":"user","content":"x","tool_calls":[{"function":{"name":"f"}}]}])",
       "messages[0].tool_calls"},
      {R"([{"role":"assistant","function_call":{}}])", "messages[0].function_call.name"},
  };
  for (const MessageCase& each : cases) {
    const auto body = read_chat({{"messages", json::parse(each.messages)}});
    ASSERT_FALSE(body.has_value()) << each.messages;
    EXPECT_EQ(body.error().param, each.param) << each.messages;
  }
}

TEST(Messages, EveryRoleAndShapeOfContent) {
  const auto body = read_chat(object(R"({"messages":[
    {"role":"system","content":null},{"role":"developer","content":"d"},
    {"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}],"name":"Ann"},
    {"role":"assistant","tool_calls":[],"content":"c"},{"role":"assistant"},
    {"role":"tool","content":"r","tool_call_id":"id"},{"role":"function","content":"f"}]})"));
  ASSERT_TRUE(body.has_value()) << error_of(body).message;
  EXPECT_EQ(body->messages[2].content, "ab");
  EXPECT_EQ(body->messages[2].name, "Ann");
  EXPECT_EQ(body->messages[5].tool_call_id, "id");
}

TEST(Messages, CallsOfToolsAreKept) {
  const auto body = read_chat(object(R"({"messages":[
    {"role":"assistant","content":null,"reasoning_content":"hm","tool_calls":[
      {"id":"c1","type":"function","function":{"name":"f","arguments":"{\"a\": 1}"}},
      {"function":{"name":"g","arguments":{"b":2}}}]},
    {"role":"assistant","content":"x","function_call":{"name":"h","arguments":""}}],
    "chat_template_kwargs":{"enable_thinking":false}})"));
  ASSERT_TRUE(body.has_value()) << error_of(body).message;
  const chat::Message& calls = body->messages[0];
  EXPECT_TRUE(calls.null_content);
  EXPECT_EQ(calls.reasoning, "hm");
  ASSERT_EQ(calls.tool_calls.size(), 2u);
  EXPECT_EQ(calls.tool_calls[0].id, "c1");
  EXPECT_EQ(calls.tool_calls[0].arguments, R"({"a": 1})");
  EXPECT_EQ(calls.tool_calls[1].arguments, R"({"b":2})");
  EXPECT_EQ(body->messages[1].tool_calls[0].name, "h");
  EXPECT_FALSE(body->messages[1].null_content);
  ASSERT_EQ(body->template_variables.size(), 1u);
  EXPECT_EQ(body->template_variables[0].first, "enable_thinking");
}

TEST(Describe, ShortensBetweenCharacters) {
  const std::string text = describe(json::string("ä" + std::string(39, 'x') + "ääää"));
  EXPECT_THAT(text, HasSubstr("..."));
  EXPECT_LT(text.size(), 70u);
  EXPECT_FALSE(parse_body(std::string("{\"a\":") + text).has_value());
}

}  // namespace
}  // namespace chasqui::api
