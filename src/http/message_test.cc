#include "http/message.h"

#include <gtest/gtest.h>

#include "http/error.h"
#include "http/internal/cors.h"
#include "http/internal/request_id.h"
#include "http/internal/response_head.h"
#include "http/sse_writer.h"

namespace chasqui::http {
namespace {

TEST(Headers, NamesCompareWithoutCase) {
  Headers headers{{"Content-Type", "a"}, {"X", "1"}, {"x", "2"}};
  EXPECT_EQ(headers.find("content-TYPE"), "a");
  EXPECT_EQ(headers.find("X"), "1");
  EXPECT_FALSE(headers.contains("Content-Typ"));
  headers.set("X", "3");
  EXPECT_EQ(headers.find("x"), "3");
  EXPECT_EQ(headers.size(), 2u);
}

TEST(Percent, Decoding) {
  EXPECT_EQ(percent_decode("a%20b%2Fc+d"), "a b/c+d");
  EXPECT_EQ(percent_decode("%e2%82%ac"), "\xe2\x82\xac");
  for (const char* bad : {"%", "%2", "%2x", "%zz", "a%00"})
    EXPECT_FALSE(percent_decode(bad)) << bad;
}

TEST(Request, QueryValues) {
  Request request;
  request.query = "a=1&b=x%20y&c&a=2&=&%zz=3";
  EXPECT_EQ(request.query_value("a"), "1");
  EXPECT_EQ(request.query_value("b"), "x y");
  EXPECT_EQ(request.query_value("c"), "");
  EXPECT_FALSE(request.query_value("d"));
}

TEST(ErrorBody, HasOpenAisShape) {
  EXPECT_EQ(error_body({.status = 404, .message = "no \"x\"\n"}),
            R"({"error":{"message":"no \"x\"\n","type":"invalid_request_error",)"
            R"("param":null,"code":null}})");
  EXPECT_EQ(
      error_body({.status = 400, .message = "m", .type = "t", .param = "messages[0]", .code = "c"}),
      R"({"error":{"message":"m","type":"t","param":"messages[0]","code":"c"}})");
  EXPECT_EQ(default_error_type(500), "internal_server_error");
}

TEST(ErrorBody, AnyBytesGiveValidJson) {
  EXPECT_EQ(json_quote("\x01\x7f\xc3\xa9"), "\"\\u0001\x7f\xc3\xa9\"");
  // A lone continuation byte, an overlong slash, a surrogate, above U+10FFFF, a cut sequence.
  EXPECT_EQ(json_quote("\x80"), "\"\xef\xbf\xbd\"");
  EXPECT_EQ(json_quote("\xc0\xaf"), "\"\xef\xbf\xbd\xef\xbf\xbd\"");
  EXPECT_EQ(json_quote("\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
  EXPECT_EQ(json_quote("\xf4\x90\x80\x80").size(), 2 + 4 * 3u);
  EXPECT_EQ(json_quote("\xe2\x82"), "\"\xef\xbf\xbd\xef\xbf\xbd\"");
  EXPECT_EQ(json_quote("\xf0\x9f\x98\x80"), "\"\xf0\x9f\x98\x80\"");
}

TEST(ErrorInfo, FollowsTheErrorCode) {
  const ErrorInfo bad = error_info({ErrorCode::kInvalidArgument, "top_p is 7", "top_p"});
  EXPECT_EQ(bad.status, 400);
  EXPECT_EQ(bad.param, "top_p");
  EXPECT_EQ(error_info({ErrorCode::kContextLength, "m", ""}).code, "context_length_exceeded");
  EXPECT_EQ(error_info({ErrorCode::kResourceExhausted, "m", ""}).status, 503);
  // Nothing internal leaves.
  const ErrorInfo internal = error_info({ErrorCode::kIo, "/secret/path: no space", "p"});
  EXPECT_EQ(internal.status, 500);
  EXPECT_EQ(internal.message.find("secret"), std::string::npos);
  EXPECT_FALSE(internal.param);
}

TEST(RequestId, BothFormsOfAUuid) {
  EXPECT_TRUE(is_uuid("123e4567-e89b-12d3-a456-426614174000"));
  EXPECT_TRUE(is_uuid("123E4567E89B12D3A456426614174000"));
  for (const char* bad :
       {"", "123e4567", "123e4567-e89b-12d3-a456-42661417400g",
        "123e4567xe89b-12d3-a456-426614174000", "123e4567-e89b-12d3-a456-4266141740000"}) {
    EXPECT_FALSE(is_uuid(bad)) << bad;
  }
  const std::string id = random_uuid_hex();
  EXPECT_TRUE(is_uuid(id));
  EXPECT_EQ(id[12], '4');
  EXPECT_NE(id, random_uuid_hex());
}

TEST(SseFrame, LinesOfTheDataAreDataLines) {
  EXPECT_EQ(sse_frame("", "x"), "data: x\n\n");
  EXPECT_EQ(sse_frame("", ""), "data: \n\n");
  EXPECT_EQ(sse_frame("e", "a\nb\r\nc\rd\n"),
            "event: e\ndata: a\ndata: b\ndata: c\ndata: d\ndata: \n\n");
}

TEST(ResponseHead, LineEndsInValuesCannotSplitIt) {
  Response response;
  response.headers.add("X-A", "1\r\nSet-Cookie: evil");
  const std::string head = response_head(response, {.server_name = "s", .request_id = "r"});
  EXPECT_EQ(head.find("\r\nSet-Cookie"), std::string::npos);
  EXPECT_NE(head.find("X-A: 1  Set-Cookie: evil\r\n"), std::string::npos);
  EXPECT_TRUE(head.ends_with("\r\n\r\n"));
}

TEST(ResponseHead, DatesHaveTheirFormats) {
  // "Sun, 06 Nov 1994 08:49:37 GMT", "1994-11-06T08:49:37Z"
  EXPECT_EQ(http_date().size(), 29u);
  EXPECT_TRUE(http_date().ends_with(" GMT"));
  EXPECT_EQ(iso_time().size(), 20u);
}

TEST(Cors, FollowsTheReplacedServer) {
  const std::vector<std::string> all = {"*"}, one = {"http://a"}, none = {};
  const auto fields = [](const std::vector<std::string>& origins, Headers request) {
    Headers response;
    add_cors_fields(origins, request, response);
    return response;
  };
  EXPECT_EQ(fields(all, {}).size(), 0u);
  EXPECT_EQ(fields(none, {{"Origin", "http://a"}}).size(), 0u);
  EXPECT_EQ(fields(one, {{"Origin", "http://b"}}).size(), 0u);
  EXPECT_EQ(fields(all, {{"Origin", "http://b"}}).find("Access-Control-Allow-Origin"), "*");
  const Headers cookie = fields(all, {{"Origin", "http://b"}, {"Cookie", "c"}});
  EXPECT_EQ(cookie.find("Access-Control-Allow-Origin"), "http://b");
  EXPECT_EQ(cookie.find("Vary"), "Origin");
  EXPECT_EQ(fields(one, {{"Origin", "http://a"}}).find("Access-Control-Allow-Origin"), "http://a");
}

TEST(Cors, PreflightEchoesTheHeaders) {
  const Headers asking = {{"Origin", "http://a"},
                          {"Access-Control-Request-Method", "POST"},
                          {"Access-Control-Request-Headers", "authorization, x-y"}};
  EXPECT_FALSE(preflight_response({"*"}, "GET", asking));
  EXPECT_FALSE(preflight_response({"*"}, "OPTIONS", {{"Origin", "http://a"}}));
  const auto ok = preflight_response({"*"}, "OPTIONS", asking);
  ASSERT_TRUE(ok);
  EXPECT_EQ(ok->status, 200);
  EXPECT_EQ(ok->body, "OK");
  EXPECT_EQ(ok->headers.find("Access-Control-Allow-Headers"), "authorization, x-y");
  EXPECT_FALSE(ok->headers.contains("Access-Control-Allow-Origin"));  // add_cors_fields() adds it
  Headers added;
  add_cors_fields({"*"}, asking, added);
  EXPECT_EQ(added.find("Access-Control-Allow-Origin"), "http://a");
  EXPECT_EQ(preflight_response({"http://b"}, "OPTIONS", asking)->status, 400);
}

}  // namespace
}  // namespace chasqui::http
