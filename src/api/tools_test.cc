// Calls of tools over the wire, by a model that babbles: what is forced must parse and fit its
// schema whatever the model would rather say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <set>

#include "api/internal/joined_answer.h"
#include "api/internal/test_server.h"
#include "support/tiny_tokenizer.h"

namespace json = boost::json;

namespace chasqui::api {
namespace {

using testing::join;
using testing::Joined;
using ::testing::MatchesRegex;
using testing::Reply;
using testing::TestServer;

TestServer make_server() {
  return TestServer({.engine = {.n_ctx = 4096, .max_sequences = 16, .max_queue = 64}});
}

json::object request(std::string_view more) {
  return testing::request_with_tools(R"({"max_tokens": 400, "temperature": 0.9})", more);
}

void check_arguments(std::string_view name, std::string_view text) {
  const json::object arguments = json::parse(text).as_object();
  if (name == "clock") {
    EXPECT_TRUE(arguments.empty()) << text;
    return;
  }
  ASSERT_EQ(name, "weather");
  EXPECT_EQ(arguments.size(), 2u) << text;
  EXPECT_TRUE(arguments.at("city").is_string()) << text;
  EXPECT_THAT(json::serialize(arguments.at("days")), MatchesRegex("[12]"));
}

TEST(Tools, ForcedCallsParseAndFit) {
  const TestServer server = make_server();
  for (int seed = 0; seed < 12; ++seed) {
    json::object body = request(R"({"tool_choice": "required", "n": 2})");
    body["seed"] = seed;
    const Reply reply = server.post("/v1/chat/completions", body);
    ASSERT_EQ(reply.status, 200) << reply.body;
    const json::value answer = reply.json();
    for (const json::value& choice : answer.at("choices").as_array()) {
      if (choice.at("finish_reason") == "length") continue;  // it would not stop calling
      EXPECT_EQ(choice.at("finish_reason"), "tool_calls");
      const json::object& message = choice.at("message").as_object();
      EXPECT_TRUE(message.at("content").is_null());
      ASSERT_FALSE(message.at("tool_calls").as_array().empty());
      for (const json::value& call : message.at("tool_calls").as_array()) {
        EXPECT_THAT(std::string(call.at("id").as_string()), MatchesRegex("call_[a-zA-Z0-9]+"));
        EXPECT_EQ(call.at("type"), "function");
        const json::value& function = call.at("function");
        check_arguments(function.at("name").as_string(), function.at("arguments").as_string());
      }
    }
  }
}

TEST(Tools, NamedCallIsOne) {
  const TestServer server = make_server();
  const Reply reply = server.post("/v1/chat/completions", request(R"({"tool_choice":
      {"type": "function", "function": {"name": "clock"}}, "stream": false})"));
  ASSERT_EQ(reply.status, 200) << reply.body;
  const json::value answer = reply.json();
  const json::value& choice = answer.at("choices").at(0);
  EXPECT_EQ(choice.at("finish_reason"), "tool_calls");
  const json::array& calls = choice.at("message").at("tool_calls").as_array();
  ASSERT_EQ(calls.size(), 1u);
  EXPECT_EQ(calls[0].at("function").at("name"), "clock");
  EXPECT_EQ(json::parse(calls[0].at("function").at("arguments").as_string()), json::object());
}

TEST(Tools, StreamsShowWhatWholeAnswersShow) {
  const TestServer server = make_server();
  for (int seed = 0; seed < 8; ++seed) {
    json::object body = request(R"({"tool_choice": "required", "n": 2})");
    body["seed"] = seed;
    const json::value whole = server.post("/v1/chat/completions", body).json();
    body["stream"] = true;
    const Reply reply = server.post("/v1/chat/completions", body);
    ASSERT_EQ(reply.status, 200);
    const std::vector<Joined> joined = join(reply, 2);
    for (size_t i = 0; i < 2; ++i) {
      const json::value& choice = whole.at("choices").at(i);
      const json::array& calls = choice.at("message").at("tool_calls").as_array();
      EXPECT_EQ(choice.at("finish_reason"), joined[i].finish.c_str());
      ASSERT_EQ(calls.size(), joined[i].calls.size());
      EXPECT_EQ(joined[i].ids.size(), calls.size());
      for (size_t k = 0; k < calls.size(); ++k) {
        EXPECT_EQ(calls[k].at("function").at("name"), joined[i].calls[k].first.c_str());
        EXPECT_EQ(calls[k].at("function").at("arguments"), joined[i].calls[k].second.c_str());
      }
    }
  }
}

TEST(Tools, OldStyleIsAnsweredInOldStyle) {
  const TestServer server = make_server();
  json::object body = request(R"({"tools": null, "functions": [{"name": "clock"}],
                                  "function_call": {"name": "clock"}})");
  const json::value whole = server.post("/v1/chat/completions", body).json();
  const json::value& choice = whole.at("choices").at(0);
  EXPECT_EQ(choice.at("finish_reason"), "function_call");
  EXPECT_EQ(choice.at("message").at("function_call").at("name"), "clock");
  body["stream"] = true;
  const Reply reply = server.post("/v1/chat/completions", body);
  std::string name, arguments;
  for (const std::string& event : reply.events()) {
    if (event == "[DONE]") break;
    const json::value chunk = json::parse(event);
    const json::object& delta = chunk.at("choices").at(0).at("delta").as_object();
    if (!delta.contains("function_call")) continue;
    const json::object& call = delta.at("function_call").as_object();
    if (call.contains("name")) name += call.at("name").as_string();
    arguments += call.at("arguments").as_string();
  }
  EXPECT_EQ(name, "clock");
  EXPECT_EQ(json::parse(arguments), json::object());
}

// Left free, this model never calls: what it says is content, with every token's log-probability.
TEST(Tools, FreeModelsAnswerInWords) {
  const TestServer server = make_server();
  json::object plain = request(R"({"tool_choice": "none", "logprobs": true, "seed": 3})");
  json::object free = request(R"({"logprobs": true, "seed": 3, "parallel_tool_calls": false})");
  for (json::object* body : {&plain, &free}) {
    const json::value whole = server.post("/v1/chat/completions", *body).json();
    (*body)["stream"] = true;
    const Reply reply = server.post("/v1/chat/completions", *body);
    const std::vector<Joined> joined = join(reply, 1);
    const json::value& choice = whole.at("choices").at(0);
    EXPECT_EQ(choice.at("message").at("content"), joined[0].content.c_str());
    EXPECT_FALSE(choice.at("message").as_object().contains("tool_calls"));
    size_t tokens = 0;
    for (const std::string& event : reply.events()) {
      if (event == "[DONE]") break;
      const json::value chunk = json::parse(event);
      const json::object& part = chunk.at("choices").at(0).as_object();
      if (!part.at("logprobs").is_null())
        tokens += part.at("logprobs").at("content").as_array().size();
    }
    EXPECT_EQ(tokens, choice.at("logprobs").at("content").as_array().size());
  }
}

// A model that would rather say `script` than what is allowed. `control`: tokens of its vocabulary.
class Caller {
 public:
  Caller(std::string_view script, std::vector<std::string> control, std::string chat_template = "")
      : script_(tokens_of(script, control)),
        server_({.engine = {.n_ctx = 4096, .max_sequences = 16, .max_queue = 64},
                 .control_tokens = std::move(control),
                 .likes = [this](int32_t position) { return liked(position); },
                 .chat_template = std::move(chat_template)}) {}

  Reply ask(json::object body) {
    if (begin_ < 0) {
      json::object first = body;
      first["max_tokens"] = 1;
      first["stream"] = false;
      const Reply reply = server_.post("/v1/chat/completions", first);
      EXPECT_EQ(reply.status, 200) << reply.body;
      begin_ = reply.json().at("usage").at("prompt_tokens").to_number<int32_t>();
    }
    return server_.post("/v1/chat/completions", body);
  }

 private:
  static std::vector<int32_t> tokens_of(std::string_view text,
                                        const std::vector<std::string>& control) {
    using chasqui::testing::TinyVocab;
    std::vector<int32_t> tokens;
    while (!text.empty()) {
      int32_t token = static_cast<uint8_t>(text.front());
      size_t length = 1;
      for (size_t i = 0; i < control.size(); ++i) {
        if (!text.starts_with(control[i])) continue;
        token = TinyVocab::kSize + static_cast<int32_t>(i);
        length = control[i].size();
      }
      if (text.starts_with(kEnd)) {
        token = TinyVocab::kEos;
        length = kEnd.size();
      }
      tokens.push_back(token);
      text.remove_prefix(length);
    }
    return tokens;
  }

  int32_t liked(int32_t position) const {
    const int32_t at = position - begin_;
    const bool is_scripted = begin_ >= 0 && at >= 0 && at < static_cast<int32_t>(script_.size());
    return is_scripted ? script_[static_cast<size_t>(at)] : -1;
  }

  static constexpr std::string_view kEnd = "</s>";
  const std::vector<int32_t> script_;
  std::atomic<int32_t> begin_ = -1;  // of the answer; -1: not known yet
  const TestServer server_;
};

const std::vector<std::string> kHermesTokens = {"<tool_call>", "</tool_call>"};

json::object strict_request() {
  json::object body = request("{}");
  body["tools"].at(0).at("function").as_object()["strict"] = true;
  return body;
}

// What the model would say is no call of its schema; what it may say is one, streamed or not.
TEST(Tools, StrictCallsFitUnderAuto) {
  for (const char* script : {R"(Hm.<tool_call>
{"name": "weather", "arguments": {"city": 5, "days": 9}}
</tool_call></s>)",
                             R"(<tool_call>
{"name": "weather", "arguments": {}}
</tool_call></s>)",
                             R"(<tool_call>{"arguments": {}}</s>)", R"(<tool_call>
{"name": "weather", "arguments": {"x": {"y": [1, 2)",
                             "<tool_call></s></s></s></s></s></s></s></s></s>"}) {
    SCOPED_TRACE(script);
    Caller caller(script, kHermesTokens);
    json::object body = strict_request();
    body["tools"].as_array().resize(1);
    for (int seed = 0; seed < 3; ++seed) {
      body["seed"] = seed;
      body["stream"] = false;
      const Reply reply = caller.ask(body);
      const json::value answer = reply.json();
      const json::value& choice = answer.at("choices").at(0);
      body["stream"] = true;
      const Joined joined = join(caller.ask(body), 1)[0];
      EXPECT_EQ(choice.at("finish_reason"), joined.finish.c_str());
      const json::array& calls = choice.at("message").at("tool_calls").as_array();
      ASSERT_EQ(calls.size(), joined.calls.size());
      if (joined.finish == "length") continue;
      EXPECT_EQ(joined.finish, "tool_calls");
      for (size_t i = 0; i < calls.size(); ++i) {
        const json::value& function = calls[i].at("function");
        EXPECT_EQ(function.at("arguments"), joined.calls[i].second.c_str());
        check_arguments(joined.calls[i].first, joined.calls[i].second);
      }
    }
  }
}

TEST(Tools, OthersStayFreeBesideAStrictOne) {
  Caller caller(R"(Hm.<tool_call>
{"name": "clock", "arguments": {"zone": [1]}}
</tool_call> Done.</s>)",
                kHermesTokens);
  const Reply reply = caller.ask(strict_request());
  const json::value answer = reply.json();
  const json::value& message = answer.at("choices").at(0).at("message");
  EXPECT_EQ(message.at("content"), "Hm.Done.");
  ASSERT_EQ(message.at("tool_calls").as_array().size(), 1u);
  EXPECT_EQ(message.at("tool_calls").at(0).at("function").at("arguments"), "{\"zone\": [1]}");
}

TEST(Tools, ForcedCallsAreOpenedByTheVocabularysToken) {
  Caller caller("<tool_call>", kHermesTokens);
  json::object body = request(R"({"tool_choice": "required", "logprobs": true})");
  const Reply reply = caller.ask(body);
  const json::value answer = reply.json();
  const json::value& choice = answer.at("choices").at(0);
  EXPECT_FALSE(choice.at("message").at("tool_calls").as_array().empty());
  EXPECT_EQ(choice.at("logprobs").at("content").at(0).at("token"), "<tool_call>");
}

// An opener that is more than one token is read all the same where one of them is a control token.
TEST(Tools, OpenersMayHoldControlTokens) {
  Caller caller(R"(<|tools_prefix|>[{"clock": {}}]<|tools_suffix|></s>)",
                {"<|tools_prefix|>", "<|tools_suffix|>"},
                "{{ messages[0].content }}{# <|tools_prefix|> #}");
  const json::value answer = caller.ask(request("{}")).json();
  const json::value& message = answer.at("choices").at(0).at("message");
  ASSERT_TRUE(message.as_object().contains("tool_calls")) << json::serialize(message);
  EXPECT_EQ(message.at("tool_calls").at(0).at("function").at("name"), "clock");
}

// A constraint of the whole answer goes before; it says what may be a call.
TEST(Tools, OtherConstraintsGoBeforeStrictCalls) {
  const TestServer server = make_server();
  json::object body = strict_request();
  body["grammar"] = "root ::= \"ab\"";
  const Reply reply = server.post("/v1/chat/completions", body);
  EXPECT_EQ(reply.json().at("choices").at(0).at("message").at("content"), "ab");
}

TEST(Tools, SchemasAreRefusedOnlyWhereTheyAreUsed) {
  const TestServer server = make_server();
  json::object body = request(R"({"tools": [{"type": "function", "function": {"name": "f",
      "parameters": {"type": "object", "properties": {"a": {"$ref": "#/nowhere"}}}}}]})");
  body["max_tokens"] = 3;
  EXPECT_EQ(server.post("/v1/chat/completions", body).status, 200);
  json::object strict = body;
  strict["tools"].at(0).at("function").as_object()["strict"] = true;
  EXPECT_EQ(server.post("/v1/chat/completions", strict).status, 400);
  body["tool_choice"] = "required";
  const Reply reply = server.post("/v1/chat/completions", body);
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.json().at("error").at("param"), "tools[0].function.parameters");
}

}  // namespace
}  // namespace chasqui::api
