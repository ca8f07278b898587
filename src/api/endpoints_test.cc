// The endpoints over real sockets, with the real engine and a model that babbles.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "api/internal/test_server.h"
#include "support/golden.h"

namespace json = boost::json;

namespace chasqui::api {
namespace {

using ::testing::HasSubstr;
using testing::Reply;
using testing::TestServer;
using testing::TestServerOptions;

json::value parse(std::string_view text) {
  return json::parse(text);
}

json::array messages(std::string_view content) {
  return {json::object{{"role", "user"}, {"content", content}}};
}

// One answer, streamed or not, in the same form.
struct Answer {
  std::string text;
  std::string finish;
  json::value usage;
};

Answer whole(const Reply& reply) {
  const json::value body = reply.json();
  const json::object& choice = body.at("choices").at(0).as_object();
  const json::value& text =
      choice.contains("message") ? choice.at("message").at("content") : choice.at("text");
  return {std::string(text.as_string()), std::string(choice.at("finish_reason").as_string()),
          body.at("usage")};
}

TEST(Completion, HasExactlyTheContractsKeys) {
  const TestServer server;
  const Reply reply = server.post("/v1/completions", {{"prompt", "Hi"}, {"model", "m"}});
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(reply.header("content-type"), "application/json");
  const json::value body = reply.json();
  std::set<std::string> keys;
  for (const auto& item : body.as_object()) keys.insert(item.key());
  EXPECT_EQ(keys, (std::set<std::string>{"id", "object", "created", "model", "choices", "usage"}));
  EXPECT_EQ(body.at("model"), "m");
  EXPECT_EQ(body.at("usage").at("prompt_tokens"), 3);  // BOS and two bytes
  const Reply unnamed = server.post("/v1/completions", {{"prompt", "Hi"}});
  EXPECT_EQ(unnamed.json().at("model"), "folder/tiny.gguf");
}

// A request that can never be served is told so, and not to come again.
TEST(Capacity, MoreAnswersThanPlacesAreRefusedForGood) {
  TestServerOptions options;
  options.engine.max_sequences = 2;
  options.engine.max_queue = 2;
  const TestServer server(options);
  for (const char* path : {"/v1/completions", "/v1/chat/completions"}) {
    const Reply reply = server.post(path, {{"prompt", "x"}, {"messages", messages("x")}, {"n", 5}});
    EXPECT_EQ(reply.status, 400) << path;
    EXPECT_EQ(reply.json().at("error").at("param"), "n");
    EXPECT_THAT(reply.body, HasSubstr("at most 4"));
    EXPECT_EQ(server.post(path, {{"prompt", "x"}, {"messages", messages("x")}, {"n", 4}}).status,
              200);
  }
}

// Tokenising 20 MB takes seconds. The count in the message is what the length alone tells, not what
// a tokenizer found.
TEST(Capacity, HopelessPromptsAreRefusedUnread) {
  const TestServer server;
  const std::string text(20 << 20, 'x');
  for (const Reply& reply : {server.post("/v1/completions", {{"prompt", text}}),
                             server.post("/v1/chat/completions", {{"messages", messages(text)}}),
                             server.post("/v1/embeddings", {{"input", text}})}) {
    EXPECT_EQ(reply.status, 400);
    EXPECT_EQ(reply.json().at("error").at("code"), "context_length_exceeded");
    EXPECT_THAT(reply.body, ::testing::Not(HasSubstr(" 209715")));
  }
}

TEST(Models, AreChosenByTheRequestsModel) {
  TestServerOptions options;
  options.more_models = {"second"};
  const TestServer server(options);
  const json::value list = server.request("GET", "/v1/models").json();
  ASSERT_EQ(list.at("data").as_array().size(), 2u);
  EXPECT_EQ(list.at("data").at(1).at("id"), "second");
  EXPECT_EQ(server.request("GET", "/v1/models/second").json().at("id"), "second");

  EXPECT_EQ(server.post("/v1/completions", {{"prompt", "x"}}).json().at("model"),
            "folder/tiny.gguf");
  EXPECT_EQ(server.post("/v1/completions", {{"prompt", "x"}, {"model", "second"}}).status, 200);
  for (const char* path : {"/v1/completions", "/v1/chat/completions", "/v1/embeddings",
                           "/extras/tokenize", "/extras/detokenize"}) {
    const Reply reply = server.post(path, {{"prompt", "x"},
                                           {"input", "x"},
                                           {"tokens", json::array{1}},
                                           {"messages", messages("x")},
                                           {"model", "third"}});
    EXPECT_EQ(reply.status, 404) << path;
    const json::value error = reply.json().at("error");
    EXPECT_EQ(error.at("code"), "model_not_found") << path;
    EXPECT_EQ(error.at("param"), "model") << path;
    EXPECT_EQ(error.at("message"),
              "The model `third` does not exist; there are `folder/tiny.gguf`, `second`");
  }
}

TEST(Completion, MaxTokensIsCutToTheContext) {
  const TestServer server;  // n_ctx 256
  const Reply reply =
      server.post("/v1/completions",
                  {{"prompt", std::string(200, 'x')}, {"max_tokens", 1000}, {"ignore_eos", true}});
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(reply.json().at("usage").at("total_tokens"), 256);
  EXPECT_EQ(whole(reply).finish, "length");
}

TEST(ContextLength, SaysTheReplacedServersWords) {
  const TestServer server;
  const json::value error =
      server.post("/v1/completions", {{"prompt", std::string(300, 'x')}, {"max_tokens", 7}})
          .json()
          .at("error");
  EXPECT_EQ(error.at("message"),
            "This model's maximum context length is 256 tokens, however you requested 308 tokens "
            "(301 in your prompt; 7 for the completion). Please reduce your prompt; or completion "
            "length.");
  EXPECT_EQ(error.at("code"), "context_length_exceeded");
  EXPECT_EQ(error.at("type"), "invalid_request_error");
  EXPECT_EQ(error.at("param"), "prompt");
  const Reply chat = server.post("/v1/chat/completions",
                                 {{"messages", messages(std::string(300, 'x'))}, {"stream", true}});
  EXPECT_EQ(chat.status, 400);
  EXPECT_EQ(chat.json().at("error").at("param"), "messages");
  EXPECT_THAT(std::string(chat.json().at("error").at("message").as_string()),
              HasSubstr("in the messages, 0 in the completion). Please reduce the length of the "
                        "messages or completion."));
}

TEST(Seeds, SameSeedSameAnswerOtherCopiesDiffer) {
  const TestServer server;
  const json::object body = {{"prompt", "x"},    {"seed", 5},          {"n", 4},
                             {"max_tokens", 30}, {"temperature", 1.5}, {"ignore_eos", true}};
  const json::value first = server.post("/v1/completions", body).json();
  EXPECT_EQ(first.at("choices"), server.post("/v1/completions", body).json().at("choices"));
  std::set<std::string> texts;
  for (const json::value& choice : first.at("choices").as_array()) {
    texts.insert(std::string(choice.at("text").as_string()));
  }
  EXPECT_EQ(texts.size(), 4u);
  json::object alone = body;
  alone["n"] = 1;
  EXPECT_EQ(server.post("/v1/completions", alone).json().at("choices").at(0),
            first.at("choices").at(0));
}

TEST(Completion, ManyPromptsAreTheSingleOnes) {
  const TestServer server;
  json::object body = {
      {"prompt", json::array{"one", "two"}}, {"n", 2}, {"seed", 1}, {"max_tokens", 12}};
  const json::value many = server.post("/v1/completions", body).json();
  ASSERT_EQ(many.at("choices").as_array().size(), 4u);
  EXPECT_EQ(many.at("usage").at("prompt_tokens"), 8);
  body["prompt"] = "two";
  const json::value single = server.post("/v1/completions", body).json();
  for (size_t copy = 0; copy < 2; ++copy) {
    EXPECT_EQ(many.at("choices").at(2 + copy).at("text"), single.at("choices").at(copy).at("text"));
    EXPECT_EQ(many.at("choices").at(2 + copy).at("index"), 2 + copy);
  }
}

TEST(Completion, StreamsOfSeveralChoicesInterleaveByIndex) {
  const TestServer server;
  json::object body = {{"prompt", "x"}, {"n", 3}, {"seed", 9}, {"max_tokens", 20}};
  const json::value once = server.post("/v1/completions", body).json();
  body["stream"] = true;
  std::vector<std::string> texts(3);
  const std::vector<std::string> events = server.post("/v1/completions", body).events();
  for (size_t i = 0; i + 1 < events.size(); ++i) {
    const json::value choice = json::parse(events[i]).at("choices").at(0);
    texts[choice.at("index").to_number<size_t>()] += choice.at("text").as_string();
  }
  for (size_t i = 0; i < 3; ++i)
    EXPECT_EQ(once.at("choices").at(i).at("text").as_string(), texts[i]);
}

TEST(Completion, BestOfReturnsTheLikeliest) {
  const TestServer server;
  json::object body = {{"prompt", "x"},     {"n", 5},        {"seed", 3},
                       {"max_tokens", 10},  {"logprobs", 0}, {"temperature", 1.8},
                       {"ignore_eos", true}};
  const json::value all = server.post("/v1/completions", body).json();
  double best = -1e9;
  std::string text;
  for (const json::value& choice : all.at("choices").as_array()) {
    double sum = 0;
    for (const json::value& value : choice.at("logprobs").at("token_logprobs").as_array()) {
      sum += value.to_number<double>();
    }
    if (sum <= best) continue;
    best = sum;
    text = choice.at("text").as_string();
  }
  body["n"] = 1;
  body["best_of"] = 5;
  const json::value one = server.post("/v1/completions", body).json();
  ASSERT_EQ(one.at("choices").as_array().size(), 1u);
  EXPECT_EQ(one.at("choices").at(0).at("text").as_string(), text);
  EXPECT_EQ(one.at("usage").at("completion_tokens"), 50);
}

TEST(Logprobs, CompletionsTextOffsetsAndEcho) {
  const TestServer server;
  json::object body = {{"prompt", "añb"}, {"max_tokens", 8}, {"logprobs", 2}, {"ignore_eos", true}};
  json::value result = server.post("/v1/completions", body).json().at("choices").at(0);
  const auto joined = [](const json::value& choice) {
    std::string text;
    for (const auto& token : choice.at("logprobs").at("tokens").as_array())
      text += token.as_string();
    return text;
  };
  EXPECT_EQ(joined(result), result.at("text").as_string());
  EXPECT_EQ(result.at("logprobs").at("text_offset").at(0), 3);
  for (const auto& top : result.at("logprobs").at("top_logprobs").as_array()) {
    EXPECT_GE(top.as_object().size(), 1u);
    EXPECT_LE(top.as_object().size(), 3u);
  }
  body["echo"] = true;
  result = server.post("/v1/completions", body).json().at("choices").at(0);
  EXPECT_EQ(joined(result), result.at("text").as_string());
  EXPECT_EQ(result.at("logprobs").at("text_offset").at(0), 0);
  EXPECT_TRUE(result.at("logprobs").at("token_logprobs").at(0).is_null());
  EXPECT_TRUE(result.at("logprobs").at("token_logprobs").at(1).is_number());
  EXPECT_EQ(result.at("logprobs").at("tokens").at(0), "a");  // the BOS is not shown
}

TEST(Logprobs, ChatHasOpenAisShape) {
  const TestServer server;
  const json::value choice = server
                                 .post("/v1/chat/completions", {{"messages", messages("x")},
                                                                {"logprobs", true},
                                                                {"top_logprobs", 3},
                                                                {"max_tokens", 9},
                                                                {"ignore_eos", true}})
                                 .json()
                                 .at("choices")
                                 .at(0);
  std::string bytes;
  for (const json::value& entry : choice.at("logprobs").at("content").as_array()) {
    EXPECT_EQ(entry.at("top_logprobs").as_array().size(), 3u);
    EXPECT_LE(entry.at("logprob").to_number<double>(), 0.0);
    for (const json::value& byte : entry.at("bytes").as_array()) {
      bytes += static_cast<char>(byte.to_number<int>());
    }
  }
  EXPECT_THAT(std::string(choice.at("message").at("content").as_string()),
              HasSubstr(bytes.substr(0, 3)));
}

TEST(LogitBias, ByIdAndByText) {
  const TestServer server;
  for (const bool by_text : {false, true}) {
    json::object body = {{"prompt", "x"}, {"max_tokens", 4}, {"ignore_eos", true}};
    body["logit_bias"] = by_text ? json::object{{"Z", 500}} : json::object{{"90", 500}};
    if (by_text) body["logit_bias_type"] = "tokens";
    EXPECT_EQ(whole(server.post("/v1/completions", body)).text, "ZZZZ");
  }
  const Reply reply = server.post("/v1/completions", {{"logit_bias", {{"260", 1}}}});
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.json().at("error").at("param"), "logit_bias.260");
}

TEST(StopTokens, MinTokensAndIgnoreEos) {
  const TestServer server;
  json::object body = {{"prompt", "x"}, {"max_tokens", 40}, {"logit_bias", {{"257", 100}}}};
  EXPECT_EQ(server.post("/v1/completions", body).json().at("usage").at("completion_tokens"), 0);
  body["min_tokens"] = 5;
  EXPECT_EQ(server.post("/v1/completions", body).json().at("usage").at("completion_tokens"), 5);
  body = {{"prompt", "x"}, {"max_tokens", 40}, {"ignore_eos", true}};
  body["stop_token_ids"] = json::array{'a', 'b', 'c', 'd', 'e', ' ', '\n'};
  const Answer stopped = whole(server.post("/v1/completions", body));
  EXPECT_EQ(stopped.finish, "stop");
}

TEST(Models, TheOlderAddressNamesOne) {
  constexpr const char* kPath = "/v1/engines/copilot-codex/completions";
  TestServerOptions options;
  options.more_models = {"copilot-codex"};
  const TestServer server(options);
  const json::object body = {{"prompt", "x"}, {"max_tokens", 1}};
  EXPECT_EQ(server.post(kPath, body).json().at("model"), "copilot-codex");
  EXPECT_EQ(server.post("/v1/completions", body).json().at("model"), "folder/tiny.gguf");
  options.more_models = {"other"};
  const TestServer without(options);
  EXPECT_EQ(without.post(kPath, body).json().at("model"), "folder/tiny.gguf");
}

TEST(Models, ListAndRetrieve) {
  const TestServer server;
  EXPECT_EQ(server.request("GET", "/v1/models").json(),
            parse(R"({"object":"list","data":[{"id":"folder/tiny.gguf","object":"model",
                      "created":1700000000,"owned_by":"me","permissions":[]}]})"));
  EXPECT_EQ(server.request("GET", "/v1/models/folder/tiny.gguf").status, 200);
  EXPECT_EQ(server.request("GET", "/v1/models/folder%2Ftiny.gguf").status, 200);
  const Reply missing = server.request("GET", "/v1/models/other");
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(missing.json().at("error").at("code"), "model_not_found");
}

TEST(Chat, RolesAndContentReachThePrompt) {
  const TestServer server;
  const json::value reply =
      server
          .post("/v1/chat/completions", {{"messages", messages("x<|im_end|>")}, {"max_tokens", 1}})
          .json();
  // <s>, <|im_start|>, "user\n", 11 bytes of plain text, <|im_end|>, "\n", <|im_start|>,
  // "assistant\n"
  EXPECT_EQ(reply.at("usage").at("prompt_tokens"), 1 + 1 + 5 + 11 + 1 + 1 + 1 + 10);
  EXPECT_THAT(std::string(reply.at("id").as_string()), ::testing::StartsWith("chatcmpl-"));
}

}  // namespace
}  // namespace chasqui::api
