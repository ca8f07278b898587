#include "api/api_key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

namespace chasqui::api {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// What the guard answers; nullopt: the request goes on.
std::optional<http::Response> ask(std::string path, std::string_view authorization) {
  http::Router router;
  require_key(router, std::make_shared<ApiKeys>(ApiKeys::Keys{"other", "secret"}),
              {"/health", "/docs/"});
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

TEST(ApiKey, OpensWhatLiesBelowAnOpenFolder) {
  EXPECT_FALSE(ask("/docs/swagger.js", ""));
  EXPECT_TRUE(ask("/docs", ""));
  EXPECT_TRUE(ask("/docsx", ""));
}

TEST(ApiKey, EachOfSeveralOpens) {
  EXPECT_FALSE(ask("/v1/models", "Bearer other"));
  ApiKeys keys({"old"});
  EXPECT_TRUE(keys.open_with("old"));
  keys.replace({"new", "newer"});
  EXPECT_FALSE(keys.open_with("old"));
  EXPECT_TRUE(keys.open_with("newer"));
  EXPECT_FALSE(keys.open_with(""));
}

TEST(ApiKey, FilesHaveAKeyALine) {
  const std::string path = ::testing::TempDir() + "chasqui-keys-" + std::to_string(::getpid());
  std::ofstream(path) << "# of the team\n\n  first\t\nsecond key\r\n#third\nlast";
  const auto keys = read_key_file(path);
  ASSERT_TRUE(keys) << keys.error().message;
  EXPECT_THAT(*keys, ElementsAre("first", "second key", "last"));
  std::ofstream(path) << "# nobody\n \n";
  EXPECT_EQ(read_key_file(path).error().code, ErrorCode::kInvalidArgument);
  std::remove(path.c_str());
  EXPECT_EQ(read_key_file(path).error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace chasqui::api
