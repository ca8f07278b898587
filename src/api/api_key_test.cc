#include "api/api_key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace chasqui::api {
namespace {

using ::testing::HasSubstr;

// What the guard answers; nullopt: the request goes on.
std::optional<http::Response> ask(std::string path, std::string_view authorization) {
  http::Router router;
  require_key(router, "secret");
  http::Request request;
  request.method = "GET";
  request.path = std::move(path);
  if (!authorization.empty()) request.headers.add("authorization", std::string(authorization));
  return router.guard(request);
}

TEST(ApiKey, OpensWithTheKeyOnly) {
  EXPECT_FALSE(ask("/v1/models", "Bearer secret"));
  EXPECT_FALSE(ask("/v1/models", "bearer secret"));
  for (const char* wrong : {"", "secret", "Bearer", "Bearer ", "Bearer secre", "Bearer secret2",
                            "Bearer Secret", "Basic secret", "Bearer  secret"}) {
    const auto answer = ask("/v1/models", wrong);
    ASSERT_TRUE(answer) << wrong;
    EXPECT_EQ(answer->status, 401) << wrong;
    EXPECT_EQ(answer->headers.find("WWW-Authenticate"), "Bearer") << wrong;
    EXPECT_THAT(answer->body, HasSubstr("\"code\":\"invalid_api_key\"")) << wrong;
  }
}

TEST(ApiKey, LeavesHealthToEverybody) {
  EXPECT_FALSE(ask("/health", ""));
  EXPECT_TRUE(ask("/health/other", ""));
}

}  // namespace
}  // namespace chasqui::api
