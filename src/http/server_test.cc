// Requests, statuses, headers and connections, over real sockets. Streams and disconnections are
// in stream_test.cc.
#include "http/server.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>

#include "http/internal/request_id.h"
#include "http/server_fixture.h"

namespace chasqui::http {
namespace {

using testing::HasSubstr;

TEST_F(ServerTest, AnswersWithTheUsualHeaders) {
  start();
  const auto r = ask(get_request("/hello"));
  EXPECT_EQ(r.status, 200);
  EXPECT_EQ(r.body, "hello");
  EXPECT_EQ(r.header("Content-Type"), "text/plain");
  EXPECT_EQ(r.header("Server"), "chasqui");
  EXPECT_EQ(r.header("Connection"), "keep-alive");
  EXPECT_EQ(r.header("Date").size(), 29u);
  EXPECT_TRUE(is_uuid(r.header("X-Request-ID")));
  EXPECT_EQ(r.header("X-Request-ID").size(), 32u);
  EXPECT_TRUE(std::stoi(r.header("openai-processing-ms")) >= 0);
  EXPECT_EQ(r.header("Access-Control-Allow-Origin"), "");
}

TEST_F(ServerTest, ErrorsOfItsOwnHaveStatusShapeAndHeaders) {
  start();
  const struct {
    int status;
    std::string request;
    const char* message;
  } kCases[] = {
      {404, get_request("/nope"), "GET /nope"},
      {405, post_request("/hello", "{}"), "POST is not allowed"},
      {405, "DELETE /hello HTTP/1.1\r\nHost: localhost\r\n\r\n", "GET, HEAD, OPTIONS"},
      {400, "NONSENSE\r\n\r\n", "HTTP/1.1"},
      {400, "GET /hello HTTP/1.1\r\n\r\n", "Host"},
      {400, get_request("/%zz"), "%"},
      {400, get_request("/hello", "X-Request-ID: not-a-uuid\r\n"), "UUID"},
      {403, "GET /hello HTTP/1.1\r\nHost: evil.example\r\n\r\n", "evil.example"},
      {413, post_request("/echo", std::string(1001, ' ')), "1000"},
      {415,
       "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n"
       "Content-Length: 2\r\n\r\n{}",
       "text/plain"},
      {415, post_request("/echo", "{}", "Content-Encoding: gzip\r\n"), "'gzip' is not supported"},
      {417, post_request("/echo", "{}", "Expect: tea\r\n"), "100-continue"},
      {431, get_request("/hello", "X: " + std::string(40000, 'a') + "\r\n"), "too large"},
      {500, get_request("/throws"), "error"},
      {500, get_request("/dropped"), "error"},
      {501, "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n", "chunked"},
  };
  for (const auto& c : kCases) {
    const auto r = ask(c.request);
    EXPECT_EQ(r.status, c.status) << c.request.substr(0, 200);
    EXPECT_EQ(r.header("Content-Type"), "application/json");
    EXPECT_THAT(r.body, HasSubstr(R"({"error":{"message":")"));
    EXPECT_THAT(r.body, HasSubstr(R"("param":)"));
    EXPECT_THAT(r.body, HasSubstr(c.message));
    EXPECT_TRUE(is_uuid(r.header("X-Request-ID")));
    EXPECT_NE(r.header("openai-processing-ms"), "");
    EXPECT_NE(r.header("Date"), "");
  }
  EXPECT_EQ(ask(post_request("/hello", "{}")).header("Allow"), "GET, HEAD, OPTIONS");
}

TEST_F(ServerTest, AmbiguousLengthsAreRefusedAndTheConnectionEnds) {
  start();
  for (const char* lengths : {"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
                              "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
                              "Content-Length: 3\r\nContent-Length: 4\r\n"}) {
    TestClient client(port());
    client.send(fmt::format("POST /echo HTTP/1.1\r\nHost: localhost\r\n{}\r\n0\r\n\r\n{}", lengths,
                            get_request("/hello")));
    const auto r = client.receive();
    ASSERT_TRUE(r);
    EXPECT_EQ(r->status, 400) << lengths;
    EXPECT_EQ(r->header("Connection"), "close");
    EXPECT_FALSE(client.receive(3s)) << "the smuggled request was answered";
  }
}

TEST_F(ServerTest, RequestIdsAreTakenOver) {
  start();
  const std::string id = "123E4567-e89b-12d3-a456-426614174000";
  EXPECT_EQ(ask(get_request("/hello", "X-Request-ID: " + id + "\r\n")).header("X-Request-ID"), id);
}

TEST_F(ServerTest, CorsAsTheReplacedServerHadIt) {
  start();
  const auto plain = ask(get_request("/hello", "Origin: http://a\r\n"));
  EXPECT_EQ(plain.header("Access-Control-Allow-Origin"), "*");
  EXPECT_EQ(plain.header("Access-Control-Allow-Credentials"), "true");
  EXPECT_EQ(ask(get_request("/nope", "Origin: http://a\r\n")).header("Access-Control-Allow-Origin"),
            "*");
  const auto preflight =
      ask("OPTIONS /any/thing HTTP/1.1\r\nHost: localhost\r\nOrigin: http://a\r\n"
          "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: x-a\r\n\r\n");
  EXPECT_EQ(preflight.status, 200);
  EXPECT_EQ(preflight.body, "OK");
  EXPECT_EQ(preflight.header("Access-Control-Allow-Headers"), "x-a");
  // Browsers refuse an answer that has this field twice.
  EXPECT_EQ(
      std::ranges::count(preflight.headers, "Access-Control-Allow-Origin", &Headers::Field::name),
      1);
  EXPECT_EQ(preflight.header("Access-Control-Allow-Origin"), "http://a");
  const auto options = ask("OPTIONS /hello HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(options.status, 204);
  EXPECT_EQ(options.header("Allow"), "GET, HEAD, OPTIONS");
}

TEST_F(ServerTest, HeadIsGetWithoutItsBody) {
  start();
  TestClient client(port());
  client.send("HEAD /hello HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const auto head = client.receive(5s, true);
  ASSERT_TRUE(head);
  EXPECT_EQ(head->status, 200);
  EXPECT_EQ(head->header("Content-Length"), "5");
  client.send(get_request("/hello"));  // nothing of a body came in between
  EXPECT_EQ(client.receive()->body, "hello");
}

TEST_F(ServerTest, BodiesArriveHoweverTheyAreSent) {
  start();
  EXPECT_EQ(ask(post_request("/echo", R"({"a":1})")).body, R"({"a":1})");
  EXPECT_EQ(ask(post_request("/echo", "")).body, "");
  EXPECT_EQ(ask("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}").body,
            "{}");
  EXPECT_EQ(ask("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n"
                "Content-Type: application/problem+json ; charset=utf-8\r\n\r\n{}")
                .body,
            "{}");
  EXPECT_EQ(ask("POST /any HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n"
                "Content-Type: image/png\r\n\r\nxy")
                .body,
            "xy");
  EXPECT_EQ(ask("POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
                "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n")
                .body,
            "hello");
  const std::string large(5'000'000, 'x');
  EXPECT_EQ(ask(post_request("/any", large)).body, large);
}

TEST_F(ServerTest, AChunkedBodyIsRefusedBeforeItIsComplete) {
  start();
  TestClient client(port());
  client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 20; ++i) client.send("64\r\n" + std::string(100, 'a') + "\r\n");
  const auto r = client.receive();  // the last chunk was never sent
  ASSERT_TRUE(r);
  EXPECT_EQ(r->status, 413);
  EXPECT_EQ(r->header("Connection"), "close");
  EXPECT_TRUE(client.closed_within(4s));
}

// Lines between chunks are taken whole, so one that fills the input would wait for itself.
TEST_F(ServerTest, EndlessLinesBetweenChunksAreRefused) {
  start();
  for (const std::string& line :
       {"2;" + std::string(100'000, 'x'), "2\r\n{}\r\n0\r\nX: " + std::string(100'000, 'x')}) {
    TestClient client(port());
    client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
    client.send(line);
    const auto r = client.receive();
    ASSERT_TRUE(r);
    EXPECT_EQ(r->status, 400);
    EXPECT_TRUE(client.closed_within(4s));
  }
}

TEST_F(ServerTest, BodiesTogetherHaveALimitToo) {
  start({.max_bodies_bytes = 3000});
  TestClient first(port());
  first.send(post_request("/held", std::string(1000, ' ')));
  const auto exchange = held();
  TestClient half(port());
  const std::string begun = post_request("/any", std::string(1900, 'x'));
  half.send(begun.substr(0, begun.size() - 400));
  std::this_thread::sleep_for(100ms);
  TestClient third(port());
  third.send(post_request("/any", std::string(600, 'x')));
  const auto refused = third.receive();
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, 503);
  EXPECT_EQ(refused->header("Retry-After"), "1");
  half.close();
  exchange->respond(text_response("done"));
  EXPECT_EQ(first.receive()->status, 200);
  ASSERT_TRUE(eventually([this] {
    TestClient again(port());
    again.send(post_request("/any", std::string(2900, 'x')));
    return again.receive()->status == 200;
  })) << "what is answered or left has given its share back";
}

TEST_F(ServerTest, ContinueIsSentOnlyWhenTheBodyIsWanted) {
  start();
  TestClient client(port());
  client.send(
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n"
      "Expect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.receive()->status, 100);
  client.send("{}");
  EXPECT_EQ(client.receive()->body, "{}");
  EXPECT_EQ(ask("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000\r\n"
                "Expect: 100-continue\r\n\r\n")
                .status,
            413);
}

TEST_F(ServerTest, GuardsAnswerBeforeTheBodyIsRead) {
  start();
  EXPECT_EQ(ask(get_request("/guarded")).status, 401);
  EXPECT_EQ(ask(get_request("/guarded", "Authorization: x\r\n")).body, "in");
}

TEST_F(ServerTest, PathParametersAndRootPath) {
  start({.root_path = "/llm"});
  EXPECT_EQ(ask(get_request("/item/a/b%20c")).body, "a/b c");
  EXPECT_EQ(ask(get_request("/llm/item/x?q=1")).body, "x");
  EXPECT_EQ(ask(get_request("/llmitem/x")).status, 404);
}

TEST_F(ServerTest, ConnectionsAreReusedAndRequestsArePipelined) {
  start();
  TestClient client(port());
  std::string burst;
  for (int i = 0; i < 20; ++i) burst += get_request(fmt::format("/item/{}", i));
  client.send(burst);
  for (int i = 0; i < 20; ++i) {
    const auto r = client.receive();
    ASSERT_TRUE(r) << i;
    EXPECT_EQ(r->body, std::to_string(i));
  }
  EXPECT_EQ(server().stats().connections_total, 1u);
}

TEST_F(ServerTest, PipelinedRequestsWaitForASlowAnswer) {
  start();
  TestClient client(port());
  client.send(get_request("/held") + post_request("/echo", "second"));
  auto exchange = held();
  ASSERT_TRUE(exchange);
  std::this_thread::sleep_for(20ms);
  EXPECT_FALSE(exchange->disconnected());
  exchange->respond(text_response("first"));
  EXPECT_EQ(client.receive()->body, "first");
  EXPECT_EQ(client.receive()->body, "second");
}

TEST_F(ServerTest, HttpOneZeroClosesUnlessAskedNotTo) {
  start();
  TestClient closing(port());
  closing.send("GET /hello HTTP/1.0\r\n\r\n");
  const auto r = closing.receive();
  ASSERT_TRUE(r);
  EXPECT_EQ(r->body, "hello");
  EXPECT_EQ(r->header("Connection"), "close");
  EXPECT_TRUE(closing.closed_within(4s));
  TestClient keeping(port());
  for (int i = 0; i < 2; ++i) {
    keeping.send("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_EQ(keeping.receive()->body, "hello");
  }
}

TEST_F(ServerTest, ASlowHeaderIsToleratedWithinItsTimeAndNotBeyond) {
  start({.header_timeout = 1000ms});
  const std::string request = get_request("/hello");
  TestClient slow(port());
  for (const char c : request) {
    slow.send(std::string_view(&c, 1));
    std::this_thread::sleep_for(1ms);
  }
  EXPECT_EQ(slow.receive()->status, 200);
  TestClient slower(port());
  const auto start_time = std::chrono::steady_clock::now();
  std::optional<ClientResponse> r;
  for (int i = 0; i < 500 && !r; ++i) {
    slower.send(i == 0 ? "GET /hello HTTP/1.1\r\nX: " : "a");  // never idle, never done
    r = slower.receive(20ms);
  }
  ASSERT_TRUE(r);
  EXPECT_EQ(r->status, 408);
  EXPECT_THAT(r->body, HasSubstr("timeout_error"));
  EXPECT_GE(std::chrono::steady_clock::now() - start_time, 1000ms);
}

TEST_F(ServerTest, ASlowBodyGets408AndASteadyOneDoesNot) {
  start({.body_timeout = 1000ms});
  TestClient client(port());
  client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc");
  const auto r = client.receive();
  ASSERT_TRUE(r);
  EXPECT_EQ(r->status, 408);
  TestClient steady(port());
  const std::string piece(64 << 10, 'x');
  steady.send(fmt::format("POST /any HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n",
                          piece.size() * 12));
  for (int i = 0; i < 12; ++i) {
    std::this_thread::sleep_for(100ms);
    steady.send(piece);
  }
  EXPECT_EQ(steady.receive()->status, 200);
}

TEST_F(ServerTest, IdleConnectionsAreClosedWithoutAWord) {
  start({.idle_timeout = 200ms});
  TestClient fresh(port()), used(port());
  used.send(get_request("/hello"));
  EXPECT_EQ(used.receive()->status, 200);
  EXPECT_TRUE(used.closed_within(3s));
  EXPECT_TRUE(fresh.closed_within(3s));
  EXPECT_FALSE(used.receive(1ms));
}

TEST_F(ServerTest, TooManyConnectionsGet503) {
  start({.max_connections = 2});
  TestClient a(port()), b(port());
  ASSERT_TRUE(eventually([this] { return server().stats().connections_open == 2; }));
  TestClient c(port());
  const auto r = c.receive();
  ASSERT_TRUE(r);
  EXPECT_EQ(r->status, 503);
  EXPECT_EQ(r->header("Retry-After"), "1");
  EXPECT_THAT(r->body, HasSubstr("overloaded_error"));
  c.close();
  a.close();
  ASSERT_TRUE(eventually([this] { return server().stats().connections_open == 1; }));
  EXPECT_EQ(ask(get_request("/hello")).status, 200);
  EXPECT_EQ(server().stats().connections_refused, 1u);
}

TEST_F(ServerTest, FiveHundredIdleConnectionsDoNotDisturb) {
  start();
  std::vector<std::unique_ptr<TestClient>> idle;
  for (int i = 0; i < 500; ++i) {
    idle.push_back(std::make_unique<TestClient>(port()));
    ASSERT_TRUE(idle.back()->connected());
  }
  ASSERT_TRUE(eventually([this] { return server().stats().connections_open == 500; }));
  EXPECT_EQ(ask(get_request("/hello")).body, "hello");
  for (auto& client : idle) client->send(get_request("/hello"));
  for (auto& client : idle) EXPECT_EQ(client->receive()->body, "hello");
  idle.clear();
  EXPECT_TRUE(eventually([this] { return server().stats().connections_open == 0; }));
}

TEST_F(ServerTest, AConfiguredHostNameIsAllowed) {
  start({.host_names = {"my.box"}});
  const auto with_host = [this](const char* host) {
    return ask(fmt::format("GET /hello HTTP/1.1\r\nHost: {}\r\n\r\n", host)).status;
  };
  for (const char* host :
       {"localhost", "LOCALHOST:80", "127.0.0.1:1", "[::1]", "[::1]:8000", "my.box", "My.Box:80"}) {
    EXPECT_EQ(with_host(host), 200) << host;
  }
  for (const char* host : {"other.box", "localhost.evil", "127.0.0.2", ""}) {
    EXPECT_EQ(with_host(host), 403) << host;
  }
}

TEST_F(ServerTest, DrainFinishesWhatRunsAndClosesWhatIdles) {
  start();
  TestClient idle(port()), busy(port());
  idle.send(get_request("/hello"));
  EXPECT_EQ(idle.receive()->status, 200);
  busy.send(get_request("/held"));
  auto exchange = held();
  ASSERT_TRUE(exchange);
  bool drained = false;
  std::thread drainer([&] { drained = server().drain(5s); });
  EXPECT_TRUE(idle.closed_within(4s));
  EXPECT_FALSE(exchange->disconnected());
  exchange->respond(text_response("late"));
  const auto r = busy.receive();
  ASSERT_TRUE(r);
  EXPECT_EQ(r->body, "late");
  EXPECT_EQ(r->header("Connection"), "close");
  busy.close();
  idle.close();
  drainer.join();
  EXPECT_TRUE(drained);
  EXPECT_FALSE(TestClient(port()).connected());
}

TEST_F(ServerTest, IdleConnectionsHardlyHoldADrain) {
  // A busy machine may need longer now and then, but not each time.
  bool hardly = false;
  for (int attempt = 0; attempt < 5 && !hardly; ++attempt) {
    start();
    std::vector<std::unique_ptr<TestClient>> idle;
    for (int i = 0; i < 20; ++i) {
      idle.push_back(std::make_unique<TestClient>(port()));
      idle.back()->send(get_request("/hello"));
      EXPECT_EQ(idle.back()->receive()->status, 200);
    }
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_TRUE(server().drain(30s));  // though no client closes
    hardly = std::chrono::steady_clock::now() - begin < 1500ms;
  }
  EXPECT_TRUE(hardly);
}

TEST_F(ServerTest, HalfSentRequestsHoldADrainForTheirGraceOnly) {
  start({.drain_grace = 100ms});
  const std::string request = post_request("/echo", R"({"a": 1})");
  TestClient no_end(port()), no_head(port());
  no_end.send(request.substr(0, request.size() - 2));
  no_head.send("POST /echo HTT");
  EXPECT_TRUE(eventually([this] { return server().stats().connections_open == 2; }));
  std::this_thread::sleep_for(50ms);  // for the bytes to be read
  bool drained = false;
  std::thread drainer([&] { drained = server().drain(30s); });
  for (TestClient* client : {&no_end, &no_head}) {
    const auto r = client->receive();
    ASSERT_TRUE(r);
    EXPECT_EQ(r->status, 503);
    EXPECT_EQ(r->header("Connection"), "close");
    client->close();
  }
  drainer.join();
  EXPECT_TRUE(drained);
}

TEST_F(ServerTest, ARequestThatEndsWithinTheGraceOfADrainIsAnswered) {
  start({.drain_grace = 20s});
  const std::string request = post_request("/echo", R"({"a": 1})");
  TestClient slow(port());
  slow.send(request.substr(0, request.size() - 2));
  EXPECT_TRUE(eventually([this] { return server().stats().connections_open == 1; }));
  std::this_thread::sleep_for(50ms);  // for the bytes to be read
  bool drained = false;
  std::thread drainer([&] { drained = server().drain(30s); });
  EXPECT_TRUE(eventually([this] { return !TestClient(port()).connected(); }));
  slow.send(request.substr(request.size() - 2));
  EXPECT_EQ(slow.receive()->body, R"({"a": 1})");
  slow.close();
  drainer.join();
  EXPECT_TRUE(drained);
}

TEST_F(ServerTest, DrainGivesUpAtItsDeadlineAndStopCuts) {
  start();
  TestClient client(port());
  client.send(get_request("/held"));
  auto exchange = held();
  std::atomic<bool> told{false};
  exchange->on_disconnect([&] { told = true; });
  EXPECT_FALSE(server().drain(50ms));
  server().stop();
  EXPECT_TRUE(told);
  EXPECT_TRUE(exchange->disconnected());
  EXPECT_TRUE(client.closed_within(5s));
  exchange->respond(text_response("into the void"));
}

TEST_F(ServerTest, AccessRecordsTellWhatHappened) {
  std::mutex mutex;
  std::vector<std::string> lines;
  start({.on_access = [&](const AccessRecord& r) {
    std::lock_guard lock(mutex);
    lines.push_back(fmt::format("{} {} {} {} {}{}", r.method, r.path, r.route, r.status, r.error,
                                r.response_bytes));
  }});
  ask(get_request("/item/7"));
  ask(get_request("/nope"));
  EXPECT_TRUE(eventually([&] {
    std::lock_guard lock(mutex);
    return lines.size() == 2;
  }));
  std::lock_guard lock(mutex);
  // Two connections: either may be logged first.
  EXPECT_THAT(lines,
              testing::UnorderedElementsAre(testing::StrEq("GET /item/7 /item/{id...} 200 1"),
                                            testing::StartsWith("GET /nope  404 unknown_url")));
}

TEST(ServerStart, ErrorsNameWhatIsWrong) {
  Server first({.host = "127.0.0.1", .port = 0}, {});
  const auto port = first.start();
  ASSERT_TRUE(port);
  Server second({.host = "127.0.0.1", .port = *port}, {});
  const auto taken = second.start();
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, ErrorCode::kIo);
  EXPECT_THAT(taken.error().message,
              testing::StartsWith(fmt::format(
                  "cannot listen on 127.0.0.1 port {}: Address already in use", *port)));

  const auto start_error = [](ServerOptions options) {
    const auto started = Server(std::move(options), {}).start();
    return started ? Error{} : started.error();
  };
  EXPECT_THAT(start_error({.host = "no such host.invalid", .port = 0}).message,
              HasSubstr("no such host.invalid port 0"));
  EXPECT_EQ(start_error({.io_threads = 0}).param, "io_threads");
  EXPECT_EQ(start_error({.root_path = "x"}).param, "root_path");
  EXPECT_EQ(start_error({.ssl_keyfile = "k"}).param, "ssl_keyfile");
  EXPECT_EQ(start_error({.port = 0, .ssl_keyfile = "none", .ssl_certfile = "none"}).param,
            "ssl_certfile");
}

}  // namespace
}  // namespace chasqui::http
