// POST /v1/embeddings over real sockets.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <thread>

#include "api/internal/test_server.h"
#include "support/golden.h"

namespace json = boost::json;

namespace chasqui::api {
namespace {

using testing::Reply;
using testing::TestServer;
using testing::TestServerOptions;

TEST(Embeddings, UnitVectorsInBothEncodings) {
  const TestServer server;
  const json::value floats = server.post("/v1/embeddings", {{"input", "hello"}}).json();
  const auto vector = chasqui::testing::numbers<double>(floats.at("data").at(0).at("embedding"));
  ASSERT_EQ(vector.size(), 8u);
  double squares = 0;
  for (const double value : vector) squares += value * value;
  EXPECT_NEAR(squares, 1.0, 1e-5);
  EXPECT_EQ(floats.at("usage").at("prompt_tokens"), 6);
  const json::value coded =
      server.post("/v1/embeddings", {{"input", "hello"}, {"encoding_format", "base64"}}).json();
  const auto bytes = chasqui::testing::decode_base64(
      std::string_view(coded.at("data").at(0).at("embedding").as_string()));
  ASSERT_EQ(bytes.size(), 32u);
  for (size_t i = 0; i < 8; ++i) {
    float value = 0;
    std::memcpy(&value, bytes.data() + 4 * i, 4);
    EXPECT_FLOAT_EQ(value, static_cast<float>(vector[i]));
  }
}

TEST(Embeddings, ManyInputsKeepTheirOrder) {
  TestServerOptions options;
  options.engine.max_queue = 20;  // less than a window: the driver has to come back
  const TestServer server(options);
  json::array input;
  for (int i = 0; i < 300; ++i) input.emplace_back(fmt::format("text{}", i % 10));
  const Reply reply = server.post("/v1/embeddings", {{"input", input}, {"dimensions", 3}});
  ASSERT_EQ(reply.status, 200) << reply.body;
  const json::array data = reply.json().at("data").as_array();
  ASSERT_EQ(data.size(), 300u);
  for (size_t i = 0; i < data.size(); ++i) {
    EXPECT_EQ(data[i].at("index"), i);
    EXPECT_EQ(data[i].at("embedding"), data[i % 10].at("embedding"));
    EXPECT_EQ(data[i].at("embedding").as_array().size(), 3u);
  }
  EXPECT_NE(data[0].at("embedding"), data[1].at("embedding"));
}

TEST(Embeddings, ErrorsNameTheInput) {
  const TestServer server;
  const auto param = [&](const json::object& body) {
    const Reply reply = server.post("/v1/embeddings", body);
    EXPECT_EQ(reply.status, 400) << reply.body;
    return std::string(reply.json().at("error").at("param").as_string());
  };
  EXPECT_EQ(param({{"input", "x"}, {"dimensions", 9}}), "dimensions");
  EXPECT_EQ(param({{"input", json::array{"x", std::string(300, 'x')}}}), "input[1]");
  EXPECT_EQ(param({{"input", json::array{json::array{1}, json::array{260}}}}), "input[1][0]");
  EXPECT_EQ(param({{"input", json::array{json::array{1}, json::array()}}}), "input[1]");
}

// However many inputs a request has, the next ones are in the engine before it has done the last:
// its steps are full. Each step waits until a step's worth of inputs waits behind it.
TEST(Embeddings, ManyInputsFillTheSteps) {
  constexpr int64_t kInputs = 2048, kPlaces = 32, kTokens = 6;
  TestServerOptions options;
  options.engine = {.n_ctx = 256, .max_sequences = kPlaces, .prefix_cache = false};
  std::atomic<const TestServer*> server = nullptr;
  std::atomic<int64_t> short_of = 0;
  options.before_forward = [&] {
    for (int i = 0; i < 10'000; ++i) {
      const engine::EngineStats stats = server.load()->engine_stats();
      const int64_t left = kInputs - stats.prompt_tokens / kTokens - stats.running;
      if (stats.waiting >= std::min(kPlaces, left)) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    ++short_of;
  };
  const TestServer running(options);
  server = &running;
  const json::array input(kInputs, "12345");
  const Reply reply = running.post("/v1/embeddings", {{"input", input}, {"dimensions", 1}});
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(reply.json().at("usage").at("prompt_tokens"), kInputs * kTokens);
  EXPECT_EQ(short_of.load(), 0);
  // The first step may have begun with one input.
  EXPECT_LE(running.engine_stats().steps, kInputs / kPlaces + 1);
}

TEST(Embeddings, AreCutOnlyWhenAskedTo) {
  const TestServer server;  // a context of 256 tokens
  const std::string text(300, 'x');
  const Reply refused = server.post("/v1/embeddings", {{"input", text}});
  EXPECT_EQ(refused.status, 400);
  const json::value error = refused.json().at("error");
  EXPECT_EQ(error.at("code"), "context_length_exceeded");
  EXPECT_EQ(error.at("message"),
            "This model's maximum context length is 256 tokens (setting n_ctx), but this text has "
            "301. Please shorten it, or set truncate.");
  const auto embed = [&server](const json::value& input) -> json::value {
    const Reply reply = server.post("/v1/embeddings", {{"input", input}, {"truncate", true}});
    EXPECT_EQ(reply.status, 200) << reply.body;
    return reply.json();
  };
  const json::value cut = embed(json::value(text));
  EXPECT_EQ(cut.at("usage").at("prompt_tokens"), 256);
  EXPECT_EQ(cut.at("data"), embed(json::value(std::string(255, 'x'))).at("data"));
  EXPECT_EQ(embed(json::value(std::string(5'000'000, 'x'))).at("data"), cut.at("data"));
  EXPECT_EQ(embed(json::array(300, 120)).at("usage").at("prompt_tokens"), 256);
}

TEST(Embeddings, EncodersReadWholeTextsAndWriteNone) {
  TestServerOptions options;
  options.engine = {.n_ctx = 256, .max_batch_tokens = 100};
  options.abilities.causal = false;
  const TestServer server(options);
  EXPECT_EQ(server.post("/v1/embeddings", {{"input", std::string(99, 'x')}}).status, 200);
  const Reply longer =
      server.post("/v1/embeddings", {{"input", json::array{"x", std::string(100, 'x')}}});
  EXPECT_EQ(longer.status, 400);
  EXPECT_EQ(longer.json().at("error").at("param"), "input[1]");
  EXPECT_NE(longer.body.find("100 tokens (setting n_batch)"), std::string::npos) << longer.body;
  for (const auto& [path, body] : std::initializer_list<std::pair<const char*, json::value>>{
           {"/v1/completions", {{"prompt", "x"}}},
           {"/v1/chat/completions", {{"messages", {{{"role", "user"}, {"content", "x"}}}}}}}) {
    const Reply reply = server.post(path, body);
    EXPECT_EQ(reply.status, 400);
    EXPECT_NE(reply.body.find("encoder"), std::string::npos) << reply.body;
  }
}

TEST(Embeddings, OfAServerWithoutThemAreRefused) {
  TestServerOptions options;
  options.adjust = [](ServedModel& model) { model.embeddings = false; };
  const TestServer server(options);
  EXPECT_EQ(server.post("/v1/embeddings", {{"input", "x"}}).status, 400);
  EXPECT_EQ(server.post("/v1/rerank", {{"query", "x"}, {"documents", {"y"}}}).status, 400);
}

}  // namespace
}  // namespace chasqui::api
