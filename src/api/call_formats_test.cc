// The formats that say tools without a template, over the wire, with a model that babbles.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "api/internal/joined_answer.h"

namespace json = boost::json;

namespace chasqui::api {
namespace {

using testing::BabbleRunner;
using testing::join;
using testing::Joined;
using ::testing::Not;
using testing::Reply;
using ::testing::StartsWith;
using testing::TestServer;
using testing::whole;

constexpr const char* kFormats[] = {"functionary", "functionary-v1", "functionary-v2",
                                    "chatml-function-calling"};
// Answers in these begin with a message or are calls.
constexpr const char* kHeld[] = {"functionary", "chatml-function-calling"};

TestServer make_server(const char* format, std::vector<std::string> control_tokens = {},
                       BabbleRunner::Likes likes = {}) {
  return TestServer({.engine = {.n_ctx = 4096, .max_sequences = 16, .max_queue = 64},
                     .control_tokens = std::move(control_tokens),
                     .likes = std::move(likes),
                     .adjust = [format](ServedModel& model) {
                       model.chat_format = *chat::make_chat_format(format, {"<s>", "</s>"});
                     }});
}

json::object request(std::string_view more) {
  return testing::request_with_tools(R"({"max_tokens": 300, "temperature": 0.9, "seed": 1})", more);
}

void check_call(const std::pair<std::string, std::string>& call) {
  const json::object arguments = json::parse(call.second).as_object();
  if (call.first == "clock") {
    EXPECT_TRUE(arguments.empty()) << call.second;
    return;
  }
  ASSERT_EQ(call.first, "weather");
  EXPECT_EQ(arguments.size(), 2u) << call.second;
  EXPECT_LE(arguments.at("city").as_string().size(), 6u * 4) << call.second;
  EXPECT_TRUE(arguments.at("days") == 1 || arguments.at("days") == 2) << call.second;
}

// The answer to `body`, which must be the same streamed.
Joined ask(const TestServer& server, json::object body) {
  const Reply reply = server.post("/v1/chat/completions", body);
  EXPECT_EQ(reply.status, 200) << reply.body;
  const json::value answer = reply.json();
  const Joined all = whole(answer.at("choices").at(0));
  body["stream"] = true;
  Joined streamed = join(server.post("/v1/chat/completions", body), 1).at(0);
  EXPECT_EQ(streamed.ids.size(), all.ids.size());
  streamed.ids = all.ids;
  EXPECT_EQ(streamed, all);
  return all;
}

TEST(CallFormats, ForcedCallsParseAndFit) {
  for (const char* format : kFormats) {
    SCOPED_TRACE(format);
    const TestServer server = make_server(format);
    for (int seed = 0; seed < 8; ++seed) {
      json::object body = request(R"({"tool_choice": "required"})");
      body["seed"] = seed;
      const Joined answer = ask(server, body);
      if (answer.finish == "length") continue;  // it would not stop calling
      EXPECT_EQ(answer.finish, "tool_calls");
      EXPECT_EQ(answer.content, "");
      ASSERT_FALSE(answer.calls.empty());
      for (const auto& call : answer.calls) check_call(call);
    }
  }
}

TEST(CallFormats, ANamedCallIsOne) {
  for (const char* format : kFormats) {
    SCOPED_TRACE(format);
    const TestServer server = make_server(format);
    const Joined answer = ask(server, request(R"({"tool_choice":
        {"type": "function", "function": {"name": "weather"}}, "seed": 1})"));
    EXPECT_EQ(answer.finish, "tool_calls");
    ASSERT_EQ(answer.calls.size(), 1u);
    EXPECT_EQ(answer.calls[0].first, "weather");
    check_call(answer.calls[0]);
  }
}

struct Vocabulary {
  const char* format;
  std::vector<std::string> control_tokens;
  const char* mark;  // in every forced call
};

// Models write the marks of their format as single tokens, in forced calls too.
TEST(CallFormats, MarksAreControlTokensWhereTheVocabularyHasThem) {
  const Vocabulary vocabularies[] = {
      {"functionary-v1",
       {"<|START_OF_FUNCTION_CALL|>", "<|END_OF_FUNCTION_CALL|>", "<|END_OF_ASSISTANT|>"},
       "<|START_OF_FUNCTION_CALL|>"},
      {"functionary-v2", {"<|from|>", "<|recipient|>", "<|content|>", "<|stop|>"}, "<|content|>"}};
  for (const Vocabulary& vocabulary : vocabularies) {
    SCOPED_TRACE(vocabulary.format);
    const TestServer server = make_server(vocabulary.format, vocabulary.control_tokens);
    for (int seed = 0; seed < 6; ++seed) {
      json::object body = request(R"({"tool_choice": {"type": "function",
          "function": {"name": "weather"}}, "logprobs": true})");
      body["seed"] = seed;
      const Joined answer = ask(server, body);
      EXPECT_EQ(answer.finish, "tool_calls");
      EXPECT_EQ(answer.content, "");
      ASSERT_EQ(answer.calls.size(), 1u);
      check_call(answer.calls[0]);
      const json::value reply = server.post("/v1/chat/completions", body).json();
      size_t marks = 0;
      for (const auto& each : reply.at("choices").at(0).at("logprobs").at("content").as_array()) {
        marks += each.at("token") == vocabulary.mark ? 1 : 0;
      }
      EXPECT_EQ(marks, 1u);
    }
  }
}

// One generation decides between words and calls; nothing of the decision is seen in the words.
TEST(CallFormats, AFreeAnswerIsAMessageOrCalls) {
  for (const char* format : kHeld) {
    SCOPED_TRACE(format);
    const TestServer server = make_server(format);
    size_t messages = 0, called = 0;
    for (int seed = 0; seed < 24; ++seed) {
      json::object body = request(R"({"max_tokens": 120})");
      body["seed"] = seed;
      const Joined answer = ask(server, body);
      if (answer.calls.empty()) {
        ++messages;
        EXPECT_THAT(answer.content, Not(StartsWith("message"))) << seed;
        EXPECT_THAT(answer.content, Not(StartsWith(":"))) << seed;
        continue;
      }
      ++called;
      EXPECT_EQ(answer.content, "");
      if (answer.finish == "length") continue;
      EXPECT_EQ(answer.finish, "tool_calls");
      for (const auto& call : answer.calls) check_call(call);
    }
    // This model never says the colon that begins a message of functionary.
    EXPECT_EQ(messages > 0, std::string_view(format) == "chatml-function-calling");
    EXPECT_GT(called, 0u);
  }
}

TEST(CallFormats, OneCallWhereSeveralAreNotWanted) {
  for (const char* format : kHeld) {
    SCOPED_TRACE(format);
    const TestServer server = make_server(format);
    size_t called = 0;
    for (int seed = 0; seed < 16; ++seed) {
      json::object body = request(R"({"parallel_tool_calls": false})");
      body["seed"] = seed;
      const Joined answer = ask(server, body);
      if (answer.calls.empty()) continue;
      ++called;
      ASSERT_EQ(answer.calls.size(), 1u);
      EXPECT_EQ(answer.finish, "tool_calls");
      check_call(answer.calls[0]);
    }
    EXPECT_GT(called, 0u);
  }
}

// What a model of functionary says that would by far rather say `script`.
Joined ask_for(std::string_view script, const json::object& body) {
  std::atomic<int32_t> begin = -1;  // of the answer
  const auto likes = [&](int32_t position) {
    const auto at = static_cast<size_t>(position - begin);
    return begin >= 0 && at < script.size() ? static_cast<uint8_t>(script[at]) : -1;
  };
  const TestServer server = make_server("functionary", {}, likes);
  const json::value first = server.post("/v1/chat/completions", body).json();
  begin = first.at("usage").at("prompt_tokens").to_number<int32_t>();
  return ask(server, body);
}

TEST(CallFormats, ACallBehindAMessageIsHeldToItsSchema) {
  const json::object body = request(R"({"max_tokens": 200})");
  const Joined behind = ask_for(
      ":\nLet me see.\nassistant to=functions.weather:\n{\"city\": 7, \"when\": \"now\"}", body);
  EXPECT_EQ(behind.content, "Let me see.");
  ASSERT_FALSE(behind.calls.empty());
  EXPECT_EQ(behind.calls[0].first, "weather");
  if (behind.finish != "length") check_call(behind.calls[0]);
  // It may begin where the header ends; what calls nobody is not to be written.
  const Joined at_once = ask_for(":\nassistant to=functions.nobody:\n{}", body);
  EXPECT_EQ(at_once.content, "");
  EXPECT_FALSE(at_once.calls.empty());
  const Joined words = ask_for(":\nWrite assistant to=functions.nobody:\n{}", body);
  EXPECT_THAT(words.content, StartsWith("Write assistant to=functions.nobody:\n{}"));
}

// A model that says neither is not refused, and what it says is content.
TEST(CallFormats, BabbleIsContent) {
  for (const char* format : {"functionary-v1", "functionary-v2"}) {
    SCOPED_TRACE(format);
    const TestServer server = make_server(format);
    const Joined answer = ask(server, request(R"({"seed": 2, "max_tokens": 60})"));
    EXPECT_TRUE(answer.calls.empty());
    EXPECT_NE(answer.content, "");
  }
}

TEST(CallFormats, WithoutToolsAnswersArePlain) {
  for (const char* format : kFormats) {
    SCOPED_TRACE(format);
    const TestServer server = make_server(format);
    json::object body = request(R"({"tool_choice": "none", "seed": 2, "max_tokens": 60})");
    const Joined none = ask(server, body);
    EXPECT_NE(none.content, "");
    EXPECT_TRUE(none.calls.empty());
    body.erase("tools");
    body.erase("tool_choice");
    EXPECT_EQ(ask(server, body).content, none.content);
    // The constraint holds from the first byte: no header comes before.
    body["response_format"] = {{"type", "json_schema"},
                               {"json_schema", {{"name", "n"}, {"schema", {{"const", 7}}}}}};
    EXPECT_EQ(ask(server, body).content, "7");
  }
}

TEST(CallFormats, AConstraintHoldsTheMessageAndNotTheCalls) {
  const TestServer server = make_server("chatml-function-calling");
  size_t messages = 0, called = 0;
  for (int seed = 0; seed < 16; ++seed) {
    json::object body = request(R"({"response_format": {"type": "json_schema",
        "json_schema": {"name": "n", "schema": {"const": 7}}}})");
    body["seed"] = seed;
    const Joined answer = ask(server, body);
    messages += answer.content == "7" ? 1 : 0;
    called += answer.calls.empty() ? 0 : 1;
    EXPECT_TRUE(answer.content == "7" || !answer.calls.empty()) << answer.content;
  }
  EXPECT_GT(messages, 0u);
  EXPECT_GT(called, 0u);
}

TEST(CallFormats, OldStyleIsAnsweredInOldStyle) {
  for (const char* format : kFormats) {
    SCOPED_TRACE(format);
    const TestServer server = make_server(format);
    json::object body = request(R"({"tools": null, "functions": [{"name": "clock"}],
                                    "function_call": {"name": "clock"}})");
    const json::value answer = server.post("/v1/chat/completions", body).json();
    const json::value& choice = answer.at("choices").at(0);
    EXPECT_EQ(choice.at("finish_reason"), "function_call");
    const json::value& call = choice.at("message").at("function_call");
    check_call(
        {std::string(call.at("name").as_string()), std::string(call.at("arguments").as_string())});
    body["function_call"] = "none";
    body["max_tokens"] = 20;
    EXPECT_EQ(ask(server, body).calls.size(), 0u);
  }
}

// Earlier calls and results of either style are written into the prompt.
TEST(CallFormats, ConversationsGoOn) {
  for (const char* format : kFormats) {
    SCOPED_TRACE(format);
    const TestServer server = make_server(format);
    ask(server, request(R"({"max_tokens": 5, "messages": [{"role": "user", "content": "Hi"},
      {"role": "assistant", "content": null, "tool_calls": [{"id": "c1", "type": "function",
        "function": {"name": "clock", "arguments": "{}"}}]},
      {"role": "tool", "tool_call_id": "c1", "content": "noon"},
      {"role": "assistant", "content": null, "function_call": {"name": "clock",
        "arguments": "{}"}},
      {"role": "function", "name": "clock", "content": "noon"}]})"));
  }
}

TEST(CallFormats, SchemasAreRefusedOnlyWhereTheyMustHold) {
  const TestServer server = make_server("chatml-function-calling");
  const char* kTools = R"({"max_tokens": 40, "tools": [{"type": "function", "function": {
      "name": "f", "parameters": {"type": "object", "properties": {"a": {"$ref": "#/nowhere"}}}}},
      {"type": "function", "function": {"name": "clock"}}]})";
  json::object body = request(kTools);
  for (int seed = 0; seed < 8; ++seed) {
    body["seed"] = seed;
    ask(server, body);
  }
  body["tools"].at(0).at("function").as_object()["strict"] = true;
  const Reply reply = server.post("/v1/chat/completions", body);
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.json().at("error").at("param"), "tools[0].function.parameters");
}

}  // namespace
}  // namespace chasqui::api
