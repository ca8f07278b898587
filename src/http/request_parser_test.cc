#include "http/internal/request_parser.h"

#include <gtest/gtest.h>

#include "base/rng.h"

namespace chasqui::http {
namespace {

using State = RequestParser::State;

struct Parsed {
  State state = State::kNeedMore;
  int status = 0;  // of the error
  RequestHead head;
  std::string body;
  size_t used = 0;
};

// Feeds `bytes` in pieces of `step`, keeping what was not consumed, as the connection does.
Parsed parse(std::string_view bytes, size_t step, size_t max_header = 1024, size_t max_body = 100) {
  RequestParser parser(max_header);
  Parsed parsed;
  std::string pending;
  size_t given = 0;
  while (true) {
    size_t consumed = 0;
    parsed.state = parser.feed(pending, consumed);
    pending.erase(0, consumed);
    parsed.used += consumed;
    if (parsed.state == State::kHead) {
      parsed.head = parser.head();
      parser.set_max_body_bytes(max_body);
      if (!parsed.head.has_body) return parsed;
      continue;
    }
    if (parsed.state == State::kComplete) parsed.body = parser.take_body();
    if (parsed.state == State::kError) parsed.status = parser.error().status;
    if (parsed.state != State::kNeedMore || given == bytes.size()) return parsed;
    const size_t n = std::min(step, bytes.size() - given);
    pending.append(bytes.substr(given, n));
    given += n;
  }
}

constexpr size_t kSteps[] = {1, 2, 7, 10000};

TEST(RequestParser, HeadsInPiecesOfAnySize) {
  const std::string text =
      "GET /a%20b?x=1&y HTTP/1.1\r\nHost: h\r\nX-Y:  z \r\nConnection: close\r\n\r\nNEXT";
  for (const size_t step : kSteps) {
    const Parsed parsed = parse(text, step);
    ASSERT_EQ(parsed.state, State::kHead) << step;
    EXPECT_EQ(parsed.head.method, "GET");
    EXPECT_EQ(parsed.head.raw_path, "/a%20b");
    EXPECT_EQ(parsed.head.query, "x=1&y");
    EXPECT_EQ(parsed.head.headers.find("x-y"), "z");
    EXPECT_FALSE(parsed.head.keep_alive);
    EXPECT_TRUE(parsed.head.http11);
    EXPECT_EQ(parsed.used, text.size() - 4);
  }
}

TEST(RequestParser, BodiesWithALengthAndInChunks) {
  const std::string length = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhelloNEXT";
  const std::string chunks =
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
      "2\r\nhe\r\n3;ext=1\r\nllo\r\n0\r\nTrailer: t\r\n\r\nNEXT";
  for (const size_t step : kSteps) {
    for (const std::string& text : {length, chunks}) {
      const Parsed parsed = parse(text, step);
      ASSERT_EQ(parsed.state, State::kComplete) << step << text;
      EXPECT_EQ(parsed.body, "hello");
      EXPECT_EQ(parsed.used, text.size() - 4);
    }
  }
}

TEST(RequestParser, WhatIsWrongGetsItsStatus) {
  const struct {
    int status;
    const char* text;
  } kCases[] = {
      {400, "GARBAGE\r\n\r\n"},
      {400, "GET / HTTP/2.0\r\nHost: h\r\n\r\n"},
      {400, "GET  / HTTP/1.1\r\nHost: h\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost : h\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: h\r\nbad header\r\n\r\n"},
      {400, "GET x HTTP/1.1\r\nHost: h\r\n\r\n"},
      {400, "GET * HTTP/1.1\r\nHost: h\r\n\r\n"},
      {400, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"},
      {400, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n"},
      {400, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999\r\n\r\n"},
      {400,
       "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"},
      {400,
       "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n"},
      {400, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"},
      {400, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"},
      {501, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n"},
      {501, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"},
      {417, "POST / HTTP/1.1\r\nHost: h\r\nExpect: tea\r\nContent-Length: 1\r\n\r\n"},
  };
  for (const auto& c : kCases) {
    for (const size_t step : kSteps) {
      const Parsed parsed = parse(c.text, step);
      EXPECT_EQ(parsed.state, State::kError) << c.text;
      EXPECT_EQ(parsed.status, c.status) << c.text;
    }
  }
}

TEST(RequestParser, LimitsOfHeaderAndBody) {
  const std::string long_target = "GET /" + std::string(2000, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n";
  const std::string long_field =
      "GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(2000, 'a') + "\r\n\r\n";
  const std::string chunks =
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n" +
      std::string(64, 'a') + "\r\n40\r\n" + std::string(64, 'a') + "\r\n0\r\n\r\n";
  for (const size_t step : kSteps) {
    EXPECT_EQ(parse(long_target, step).status, 431) << step;
    EXPECT_EQ(parse(long_field, step).status, 431) << step;
    EXPECT_EQ(parse(chunks, step).status, 413) << step;
  }
}

TEST(RequestParser, TargetsInAllForms) {
  EXPECT_EQ(parse("GET http://h:1/p?q HTTP/1.1\r\nHost: h\r\n\r\n", 99).head.raw_path, "/p");
  EXPECT_EQ(parse("GET http://h HTTP/1.1\r\nHost: h\r\n\r\n", 99).head.raw_path, "/");
  EXPECT_EQ(parse("GET HTTP://h?q HTTP/1.1\r\nHost: h\r\n\r\n", 99).head.query, "q");
  EXPECT_EQ(parse("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", 99).head.raw_path, "*");
}

TEST(RequestParser, Http10ClosesUnlessAsked) {
  EXPECT_FALSE(parse("GET / HTTP/1.0\r\n\r\n", 99).head.keep_alive);
  EXPECT_TRUE(parse("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 99).head.keep_alive);
}

// Broken input of every kind: no crash, and the outcome never depends on how the bytes were cut.
TEST(RequestParser, MutatedRequestsParseTheSameInAnyPieces) {
  const std::string seeds[] = {
      "GET /a?b HTTP/1.1\r\nHost: h\r\nConnection: keep-alive\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello",
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nhe\r\n0\r\n\r\n",
      "POST / HTTP/1.0\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\nabc",
  };
  const std::string spice = std::string("\r\n :;,0123456789abcdefABCDEF/?%*\t\"\\\x80\xff") + '\0';
  Rng rng(5);
  for (int round = 0; round < 20'000; ++round) {
    std::string text = seeds[rng.below(std::size(seeds))];
    for (uint64_t n = rng.below(4); n > 0; --n) {
      const size_t at = rng.below(text.size());
      const char c = spice[rng.below(spice.size())];
      switch (rng.below(4)) {
        case 0:
          text[at] = c;
          break;
        case 1:
          text.insert(at, 1, c);
          break;
        case 2:
          text.erase(at, 1 + rng.below(3));
          break;
        default:
          text.insert(at, text.substr(rng.below(text.size()), 1 + rng.below(12)));
          break;
      }
      if (text.empty()) text.assign(1, 'x');
    }
    const Parsed whole = parse(text, text.size());
    const Parsed single = parse(text, 1);
    // An error may be seen earlier or later; what is accepted must not differ.
    const auto unfinished = [](const Parsed& p) {
      return p.state == State::kNeedMore || p.state == State::kError;
    };
    ASSERT_EQ(unfinished(whole), unfinished(single)) << testing::PrintToString(text);
    if (unfinished(whole)) continue;
    ASSERT_EQ(whole.state, single.state) << testing::PrintToString(text);
    ASSERT_EQ(whole.body, single.body) << testing::PrintToString(text);
    ASSERT_EQ(whole.used, single.used) << testing::PrintToString(text);
    ASSERT_EQ(whole.head.raw_path, single.head.raw_path);
    ASSERT_EQ(whole.head.headers.size(), single.head.headers.size());
  }
}

TEST(RequestParser, EmptyLinesBeforeARequestAreIgnored) {
  for (const size_t step : kSteps) {
    EXPECT_EQ(parse("\r\n\r\nGET / HTTP/1.0\r\n\r\n", step).state, State::kHead) << step;
  }
}

}  // namespace
}  // namespace chasqui::http
