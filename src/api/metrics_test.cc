// /metrics as a scraper reads it: well formed, complete, and right about what was asked.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <regex>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "api/http_metrics.h"
#include "api/internal/test_server.h"
#include "support/source_dir.h"

namespace chasqui::api {
namespace {

using testing::TestServer;

// Fails the test on a line that is not of the format, or a sample without its family's TYPE.
struct Page {
  std::map<std::string, std::string> types;  // of families
  std::map<std::string, double> samples;     // by name and labels, as written
  std::vector<std::string> order;            // keys of `samples`
};

std::string family_of(const Page& page, const std::string& name) {
  if (page.types.contains(name)) return name;
  for (const char* part : {"_bucket", "_sum", "_count"}) {
    if (!name.ends_with(part)) continue;
    const std::string family = name.substr(0, name.size() - std::string_view(part).size());
    const auto found = page.types.find(family);
    if (found != page.types.end() && found->second == "histogram") return family;
  }
  return "";
}

Page read_page(const std::string& text) {
  static const std::regex help(R"(# HELP (chasqui_[a-z_]+) \S.*)");
  static const std::regex type(R"(# TYPE (chasqui_[a-z_]+) (counter|gauge|histogram))");
  static const std::regex sample(
      R"re((chasqui_[a-z_]+)(\{(?:[a-z]+="(?:[^"\\]|\\.)*",?)+\}) ([-+.0-9e]+))re");
  Page page;
  EXPECT_TRUE(text.ends_with('\n'));
  std::istringstream in(text);
  std::string helped;
  for (std::string line; std::getline(in, line);) {
    std::smatch match;
    if (std::regex_match(line, match, help)) {
      helped = match[1];
    } else if (std::regex_match(line, match, type)) {
      EXPECT_EQ(match[1], helped) << line;
      EXPECT_TRUE(page.types.emplace(match[1], match[2]).second) << "twice: " << line;
    } else if (std::regex_match(line, match, sample)) {
      EXPECT_EQ(family_of(page, match[1]), helped) << line;
      const std::string key = match[1].str() + match[2].str();
      EXPECT_TRUE(page.samples.emplace(key, std::stod(match[3])).second) << "twice: " << line;
      page.order.push_back(key);
    } else {
      ADD_FAILURE() << "not of the format: " << line;
    }
  }
  return page;
}

testing::TestServerOptions with_metrics() {
  const auto metrics = std::make_shared<HttpMetrics>();
  testing::TestServerOptions options;
  options.service.http_metrics = metrics;
  options.http.on_access = [metrics](const http::AccessRecord& record) { metrics->count(record); };
  return options;
}

TEST(Metrics, CountRequestsAndErrors) {
  const TestServer server(with_metrics());
  server.post("/v1/completions", {{"prompt", "Hi"}, {"max_tokens", 3}, {"ignore_eos", true}});
  server.post("/v1/completions", {{"top_p", 3}});
  server.request("GET", "/nowhere/at/all");
  const std::map<std::string, double> expected = {
      {R"(chasqui_requests_running{model="folder/tiny.gguf"})", 0},
      {R"(chasqui_prompt_tokens_total{model="folder/tiny.gguf"})", 3},
      {R"(chasqui_generated_tokens_total{model="folder/tiny.gguf"})", 3},
      {R"(chasqui_time_to_first_token_seconds_count{model="folder/tiny.gguf"})", 1},
      {R"(chasqui_inter_token_seconds_bucket{model="folder/tiny.gguf",le="+Inf"})", 2},
      {R"(chasqui_requests_finished_total{model="folder/tiny.gguf",reason="length"})", 1},
      {R"(chasqui_http_requests_total{route="/v1/completions",status="200"})", 1},
      {R"(chasqui_http_requests_total{route="/v1/completions",status="400"})", 1},
      {R"(chasqui_http_requests_total{route="",status="404"})", 1},
      {R"(chasqui_errors_total{code="unknown_url"})", 1}};
  // An answer is counted just after it was sent.
  std::string wrong;
  server.wait_until([&] {
    const Page page = read_page(server.request("GET", "/metrics").body);
    wrong.clear();
    for (const auto& [key, value] : expected) {
      const auto found = page.samples.find(key);
      if (found == page.samples.end() || found->second != value) wrong += key + "\n";
    }
    return wrong.empty();
  });
  EXPECT_EQ(wrong, "");
}

TEST(Metrics, ALogLineIsOneLineWhateverIsAskedFor) {
  http::AccessRecord record;
  record.method = "GET";
  record.path = "/a\nb \x1b[2J\xc2\x9b~";
  record.peer = "::1";
  record.request_id = "id";
  record.status = 404;
  EXPECT_EQ(log_line(record), "::1 GET /a%0Ab%20%1B[2J%C2%9B~ 404 0.0 ms id");
}

TEST(Metrics, BucketsHoldWhatTheOnesBeforeThemHold) {
  const TestServer server(with_metrics());
  server.post("/v1/completions", {{"prompt", "Hi"}, {"max_tokens", 9}, {"ignore_eos", true}});
  const Page page = read_page(server.request("GET", "/metrics").body);
  double below = 0;
  size_t buckets = 0;
  for (const std::string& key : page.order) {
    const double value = page.samples.at(key);
    if (key.find("_bucket{") != std::string::npos) {
      EXPECT_GE(value, below) << key;
      below = value;
      ++buckets;
    } else if (key.find("_count{") != std::string::npos) {
      EXPECT_EQ(value, below) << key;
      below = 0;
    }
  }
  EXPECT_GT(buckets, 50u);
}

TEST(Metrics, AreThoseOfTheirPage) {
  const TestServer server(with_metrics());
  const testing::Reply reply = server.request("GET", "/metrics");
  EXPECT_EQ(reply.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  std::map<std::string, std::string> listed;
  std::ifstream in(chasqui::testing::source_dir() / "docs/metrics.md");
  const std::regex row(R"(\| `(chasqui_[a-z_]+)` \| ([a-z]+) \| .* \|)");
  for (std::string line; std::getline(in, line);) {
    std::smatch match;
    if (std::regex_match(line, match, row)) listed.emplace(match[1], match[2]);
  }
  EXPECT_EQ(read_page(reply.body).types, listed);
}

// A stream that has begun has its status; what went wrong later is an error all the same.
TEST(Metrics, CountErrorsInsideStreams) {
  testing::TestServerOptions options = with_metrics();
  options.engine.n_ctx = 100000;
  options.before_forward = [] { std::this_thread::sleep_for(std::chrono::milliseconds(1)); };
  TestServer server(options);
  auto stream =
      server.open("/v1/completions",
                  {{"prompt", "x"}, {"max_tokens", 60000}, {"ignore_eos", true}, {"stream", true}});
  stream.read_some();
  server.service().stop();
  EXPECT_NE(stream.read_all().find("data: {\"error\""), std::string::npos);
  const Page page = read_page(server.request("GET", "/metrics").body);
  EXPECT_EQ(page.samples.at(R"(chasqui_errors_total{code="overloaded_error"})"), 1);
  EXPECT_EQ(page.samples.at(R"(chasqui_http_requests_total{route="/v1/completions",status="200"})"),
            1);
}

TEST(Ready, TellsWhenTheServerDrains) {
  TestServer server;
  const testing::Reply ready = server.request("GET", "/ready");
  EXPECT_EQ(ready.status, 200);
  EXPECT_EQ(ready.body, R"({"status":"ready"})");
  server.service().drain();
  const testing::Reply draining = server.request("GET", "/ready");
  EXPECT_EQ(draining.status, 503);
  EXPECT_EQ(draining.body, R"({"status":"draining"})");
}

}  // namespace
}  // namespace chasqui::api
