// How answers reach their clients: errors before and after the head, clients that leave or do not
// read, a full queue, shutting down.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "api/internal/test_server.h"

namespace json = boost::json;

namespace chasqui::api {
namespace {

using ::testing::HasSubstr;
using testing::Reply;
using testing::TestServer;
using testing::TestServerOptions;

std::string text_of(const Reply& reply) {
  return std::string(reply.json().at("choices").at(0).at("text").as_string());
}

// Lets a model's steps wait until the test lets them go on, or has failed and forgot them.
struct Gate {
  std::atomic<bool> open = true;
  std::atomic<int> steps = 0;
  void wait() const {
    for (int ms = 0; !open && ms < 60'000; ++ms) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  std::function<void()> hook() {
    return [this] {
      ++steps;
      wait();
    };
  }
};

// The first event is there before the head goes out, so that an error in prefill is no 200.
TEST(StreamErrors, InPrefillSetTheStatus) {
  TestServerOptions options;
  options.engine.n_ctx = 10000;
  options.cache_blocks = 8;
  const TestServer server(options);
  const Reply reply = server.post(
      "/v1/completions", {{"prompt", std::string(5000, 'x')}, {"stream", true}, {"max_tokens", 1}});
  EXPECT_EQ(reply.status, 503) << reply.body;
  EXPECT_TRUE(reply.json().at("error").at("message").is_string());
}

TEST(StreamErrors, LaterOnesAreAnEventAndDone) {
  Gate gate;
  TestServerOptions options;
  options.engine.n_ctx = 10000;
  options.cache_blocks = 8;
  // The cache runs out only after the client has seen the head.
  options.before_forward = [&gate] {
    if (++gate.steps > 5) gate.wait();
  };
  const TestServer server(options);
  gate.open = false;
  auto connection =
      server.open("/v1/completions",
                  {{"prompt", "x"}, {"stream", true}, {"max_tokens", 5000}, {"ignore_eos", true}});
  const std::string head = connection.read_some();
  EXPECT_THAT(head, HasSubstr("200 OK"));
  gate.open = true;
  const std::string rest = connection.read_all();
  const size_t error = rest.find("data: {\"error\":{\"message\":");
  ASSERT_NE(error, std::string::npos) << rest;
  EXPECT_NE(rest.find("data: [DONE]", error), std::string::npos);
  EXPECT_EQ(server.post("/v1/completions", {{"prompt", "x"}}).status, 200);
}

TEST(Disconnect, CancelsStreamsAndWholeAnswers) {
  for (const bool stream : {true, false}) {
    TestServerOptions options;
    options.engine.n_ctx = 100000;
    options.before_forward = [] { std::this_thread::sleep_for(std::chrono::microseconds(500)); };
    TestServer server(options);
    auto connection = server.open(
        "/v1/completions",
        {{"prompt", "x"}, {"max_tokens", 60000}, {"ignore_eos", true}, {"stream", stream}});
    if (stream) connection.read_some();
    server.wait_until([&] { return server.engine().stats().running == 1; });
    connection.close();
    server.wait_until([&] { return server.engine().stats().running == 0; });
    EXPECT_LT(server.engine().stats().completion_tokens, 50000);
  }
}

TEST(QueueFull, Is503WithRetryAfter) {
  Gate gate;
  TestServerOptions options;
  options.engine.max_sequences = 1;
  options.engine.max_queue = 1;
  options.before_forward = gate.hook();
  TestServer server(options);
  gate.open = false;
  const json::object body = {{"prompt", "x"}, {"max_tokens", 1}};
  auto first = server.open("/v1/completions", body);
  server.wait_until([&] { return gate.steps > 0; });
  auto second = server.open("/v1/completions", body);
  server.wait_until([&] { return server.engine().stats().waiting >= 1; });
  const Reply refused = server.post("/v1/completions", {{"prompt", "x"}, {"stream", true}});
  EXPECT_EQ(refused.status, 503) << refused.body;
  EXPECT_FALSE(refused.header("Retry-After").empty());
  EXPECT_TRUE(refused.json().at("error").at("message").is_string());
  EXPECT_EQ(server.request("GET", "/health").status, 200);  // while the engine stands still
  gate.open = true;
  EXPECT_THAT(first.read_all(), HasSubstr("200 OK"));
  EXPECT_THAT(second.read_all(), HasSubstr("200 OK"));
}

TEST(Drain, RefusesNewRequestsAndEndsTheOld) {
  Gate gate;
  TestServerOptions options;
  options.before_forward = gate.hook();
  TestServer server(options);
  gate.open = false;
  auto running = server.open("/v1/completions", {{"prompt", "x"}, {"max_tokens", 3}});
  server.wait_until([&] { return gate.steps > 0; });
  server.service().drain();
  EXPECT_EQ(server.post("/v1/completions", {{"prompt", "x"}}).status, 503);
  EXPECT_EQ(server.request("GET", "/health").status, 503);
  gate.open = true;
  EXPECT_THAT(running.read_all(), HasSubstr("200 OK"));
}

// When the time to drain is over, clients are told so.
TEST(Stop, EndsRunningRequestsWithAnError) {
  Gate gate;
  TestServerOptions options;
  options.engine.n_ctx = 100000;
  options.before_forward = gate.hook();
  TestServer server(options);
  json::object body = {{"prompt", "x"}, {"max_tokens", 60000}, {"ignore_eos", true}};
  auto whole = server.open("/v1/completions", body);
  body["stream"] = true;
  auto stream = server.open("/v1/completions", body);
  const std::string head = stream.read_some();
  EXPECT_THAT(head, HasSubstr("200 OK"));
  server.wait_until([&] { return server.engine().stats().running == 2; });
  server.service().stop();
  EXPECT_THAT(whole.read_all(), HasSubstr("503 Service Unavailable"));
  const std::string rest = stream.read_all();
  EXPECT_THAT(rest, HasSubstr("data: {\"error\":{\"message\":\"the server is shutting down\""));
  EXPECT_THAT(rest, HasSubstr("data: [DONE]"));
}

// As long as the client reads, each token has a chunk of its own, however fast they come.
TEST(Streams, HaveAChunkForEachToken) {
  for (const bool logprobs : {false, true}) {
    const TestServer server;
    json::object body = {{"prompt", "hello"},
                         {"max_tokens", 30},
                         {"temperature", 0},
                         {"ignore_eos", true},
                         {"logit_bias", {{"195", -100}, {"230", -100}, {"240", -100}}}};
    if (logprobs) body["logprobs"] = 1;
    body["stream"] = true;  // without é, 日 and emoji, every token shows a character
    const Reply reply = server.post("/v1/completions", body);
    ASSERT_EQ(reply.status, 200) << reply.body;
    // 30 tokens, the finish reason, [DONE].
    EXPECT_EQ(reply.events().size(), 32u) << reply.body;
  }
}

// A client that does not read: its events merge, others go on, and it gets everything in the end.
TEST(SlowClient, LosesNothingAndHoldsUpNobody) {
  TestServerOptions options;
  options.engine.n_ctx = 100000;
  options.http.stream_high_water_bytes = 4096;
  TestServer server(options);
  json::object body = {
      {"prompt", "slow"}, {"max_tokens", 60000}, {"ignore_eos", true}, {"temperature", 0}};
  body["stream"] = true;
  auto slow = server.open("/v1/completions", body);
  server.wait_until([&] {
    return server.engine().stats().running == 0 &&
           server.engine().stats().completion_tokens >= 60000;
  });
  EXPECT_EQ(server.post("/v1/completions", {{"prompt", "x"}}).status, 200);
  const std::string bytes = slow.read_all();
  EXPECT_THAT(bytes, HasSubstr("data: [DONE]"));
  body["stream"] = false;
  const std::string expected = text_of(server.post("/v1/completions", body));
  // Chunked framing lines do not contain "data: ", so the events survive a plain search.
  std::string text;
  size_t events = 0;
  for (size_t at = bytes.find("data: {"); at != std::string::npos;
       at = bytes.find("data: {", at + 1)) {
    const size_t end = bytes.find("\n\n", at);
    ++events;
    std::string event = bytes.substr(at + 6, end - at - 6);
    text += json::parse(event).at("choices").at(0).at("text").as_string();
  }
  EXPECT_EQ(text, expected);
  EXPECT_LT(events, 50000u) << "nothing was merged: the client was not slow";
}

}  // namespace
}  // namespace chasqui::api
