#include "http/router.h"

#include <gtest/gtest.h>

namespace chasqui::http {
namespace {

void nothing(std::shared_ptr<Exchange>) {}

TEST(Router, FindsExactPathsAndMethods) {
  Router router;
  router.get("/", nothing);
  router.get("/v1/models", nothing);
  router.post("/v1/models", nothing);
  EXPECT_EQ(router.match("GET", "/").route->pattern, "/");
  EXPECT_EQ(router.match("POST", "/v1/models").route->method, "POST");
  EXPECT_EQ(router.match("HEAD", "/v1/models").route->method, "GET");
  const auto wrong = router.match("PUT", "/v1/models");
  EXPECT_EQ(wrong.route, nullptr);
  EXPECT_EQ(wrong.allow, "GET, HEAD, OPTIONS, POST");
  for (const char* path : {"/v1", "/v1/models/", "/v1/models/x", "//", "/V1/models"}) {
    EXPECT_EQ(router.match("GET", path).allow, "") << path;
  }
}

TEST(Router, ParametersAreDecoded) {
  Router router;
  router.get("/a/{x}/b", nothing);
  router.get("/m/{id...}", nothing);
  auto match = router.match("GET", "/a/p%2Fq/b");
  ASSERT_TRUE(match.route);
  ASSERT_EQ(match.params.size(), 1u);
  EXPECT_EQ(match.params[0].first, "x");
  EXPECT_EQ(match.params[0].second, "p/q");
  match = router.match("GET", "/m/models/a%20b.gguf");
  ASSERT_TRUE(match.route);
  EXPECT_EQ(match.params[0].second, "models/a b.gguf");
  EXPECT_FALSE(router.match("GET", "/a//b").route);
  EXPECT_FALSE(router.match("GET", "/m/").route);
  EXPECT_FALSE(router.match("GET", "/m").route);
}

TEST(Router, LiteralSegmentsWin) {
  Router router;
  router.get("/{rest...}", nothing);
  router.get("/{one}", nothing);
  router.get("/health", nothing);
  EXPECT_EQ(router.match("GET", "/health").route->pattern, "/health");
  EXPECT_EQ(router.match("GET", "/other").route->pattern, "/{one}");
  EXPECT_EQ(router.match("GET", "/other/x").route->pattern, "/{rest...}");
}

TEST(Router, RefusesBrokenRows) {
  Router router;
  for (const char* pattern : {"", "x", "/a{b}", "/{a...}/b", "/{}"}) {
    const Status added = router.add({.method = "GET", .pattern = pattern, .handler = nothing});
    ASSERT_FALSE(added) << pattern;
    EXPECT_EQ(added.error().code, ErrorCode::kInvalidArgument);
  }
  EXPECT_FALSE(router.add({.method = "GET", .pattern = "/a", .handler = nullptr}));
  EXPECT_TRUE(router.add({.method = "GET", .pattern = "/a", .handler = nothing}));
  EXPECT_FALSE(router.add({.method = "GET", .pattern = "/a", .handler = nothing}));
}

TEST(Router, TheFirstGuardThatAnswersWins) {
  Router router;
  router.add_guard([](const Request&) { return std::nullopt; });
  router.add_guard([](const Request&) { return Response{.status = 401}; });
  router.add_guard([](const Request&) { return Response{.status = 403}; });
  EXPECT_EQ(router.guard({})->status, 401);
}

}  // namespace
}  // namespace chasqui::http
