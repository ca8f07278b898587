// Calls of tools over the wire, by a model that babbles: what is forced must parse and fit its
// schema whatever the model would rather say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "api/internal/test_server.h"

namespace json = boost::json;

namespace chasqui::api {
namespace {

using ::testing::MatchesRegex;
using testing::Reply;
using ::testing::StartsWith;
using testing::TestServer;

TestServer make_server() {
  return TestServer({.engine = {.n_ctx = 4096, .max_sequences = 16, .max_queue = 64}});
}

json::object request(std::string_view more) {
  json::object object = json::parse(R"({
    "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 400, "temperature": 0.9,
    "tools": [
      {"type": "function", "function": {"name": "weather", "parameters": {"type": "object",
        "properties": {"city": {"type": "string", "maxLength": 6}, "days": {"enum": [1, 2]}},
        "required": ["city", "days"], "additionalProperties": false}}},
      {"type": "function", "function": {"name": "clock"}}]})")
                            .as_object();
  const json::value added = json::parse(more);
  for (const auto& [key, value] : added.as_object()) object[key] = value;
  return object;
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

// The message of a choice that a stream shows, put together.
struct Joined {
  std::string content, finish;
  std::vector<std::pair<std::string, std::string>> calls;  // name, arguments
  std::set<std::string> ids;
};

void add_call(const json::object& call, Joined& out) {
  const auto index = static_cast<size_t>(call.at("index").to_number<int64_t>());
  const json::object& function = call.at("function").as_object();
  if (index == out.calls.size()) {
    out.calls.emplace_back(function.at("name").as_string(), "");
    EXPECT_EQ(call.at("type"), "function");
    EXPECT_EQ(function.at("arguments"), "");
    out.ids.insert(std::string(call.at("id").as_string()));
  }
  ASSERT_EQ(index + 1, out.calls.size());
  out.calls[index].second += function.at("arguments").as_string();
}

void add_chunk(const json::value& choice, Joined& out) {
  const json::object& delta = choice.at("delta").as_object();
  if (delta.contains("content")) out.content += delta.at("content").as_string();
  if (delta.contains("tool_calls")) {
    for (const json::value& call : delta.at("tool_calls").as_array()) {
      add_call(call.as_object(), out);
    }
  }
  const json::value& finish = choice.at("finish_reason");
  if (!finish.is_null()) out.finish = finish.as_string();
}

std::vector<Joined> join(const Reply& reply, size_t choices) {
  std::vector<Joined> out(choices);
  for (const std::string& event : reply.events()) {
    if (event == "[DONE]") break;
    const json::value chunk = json::parse(event);
    for (const json::value& choice : chunk.at("choices").as_array()) {
      add_chunk(choice, out.at(static_cast<size_t>(choice.at("index").to_number<int64_t>())));
    }
  }
  return out;
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
