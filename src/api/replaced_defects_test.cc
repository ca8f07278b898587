// Defects of the replaced server that no other test here shows to be gone; the list of all is
// docs/contracts/defects.md.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/internal/test_server.h"

namespace json = boost::json;

namespace chasqui::api {
namespace {

using testing::Reply;
using testing::TestServer;

// It counted the BOS of an empty prompt as the first token of the answer.
TEST(ReplacedDefects, TheBosIsNoTokenOfTheAnswer) {
  const TestServer server;
  json::object body = {{"prompt", ""}, {"max_tokens", 5}, {"ignore_eos", true}, {"logprobs", 0}};
  body["logit_bias"] = {{"90", 500}};
  const json::value reply = server.post("/v1/completions", body).json();
  EXPECT_EQ(reply.at("usage").at("prompt_tokens"), 1);
  EXPECT_EQ(reply.at("usage").at("completion_tokens"), 5);
  EXPECT_EQ(reply.at("choices").at(0).at("text"), "ZZZZZ");
  EXPECT_EQ(reply.at("choices").at(0).at("logprobs").at("tokens").as_array().size(), 5u);
}

// Its errors had no processing time.
TEST(ReplacedDefects, ErrorsTellTheirProcessingTime) {
  const TestServer server;
  for (const Reply& reply :
       {server.post("/v1/completions", {{"prompt", 5}}), server.request("GET", "/nothing"),
        server.request("POST", "/v1/completions", "{"),
        server.post("/v1/completions", {{"prompt", std::string(300, 'x')}, {"stream", true}})}) {
    EXPECT_GE(reply.status, 400);
    EXPECT_THAT(reply.header("openai-processing-ms"), ::testing::MatchesRegex("[0-9]+"));
  }
}

// The tokens, texts and offsets of a logprobs object, over all chunks.
void append(const json::value& logprobs, json::object& all) {
  for (const char* key : {"tokens", "text_offset", "token_logprobs", "top_logprobs"}) {
    json::array& list = all[key].is_array() ? all[key].get_array() : all[key].emplace_array();
    for (const json::value& item : logprobs.at(key).as_array()) list.push_back(item);
  }
}

// It could not stream log-probabilities, and lost the characters that several tokens share.
TEST(ReplacedDefects, StreamedLogprobsAreTheWholeOnes) {
  const TestServer server;
  for (const bool echo : {false, true}) {
    json::object body = {{"prompt", "añ日"},   {"max_tokens", 60},   {"logprobs", 3}, {"seed", 4},
                         {"temperature", 1.5}, {"ignore_eos", true}, {"echo", echo}};
    const json::value whole = server.post("/v1/completions", body).json().at("choices").at(0);
    body["stream"] = true;
    json::object streamed;
    std::string text;
    const std::vector<std::string> events = server.post("/v1/completions", body).events();
    for (size_t i = 0; i + 1 < events.size(); ++i) {
      const json::value choice = json::parse(events[i]).at("choices").at(0);
      text += choice.at("text").as_string();
      if (!choice.at("logprobs").is_null()) append(choice.at("logprobs"), streamed);
    }
    EXPECT_EQ(text, whole.at("text").as_string());
    EXPECT_EQ(json::value(streamed), whole.at("logprobs"));
    EXPECT_NE(text.find("é"), std::string::npos) << "no character of several tokens came";
  }
}

}  // namespace
}  // namespace chasqui::api
