// Streams, slow readers and clients that leave, over real sockets.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "http/server_fixture.h"

namespace chasqui::http {
namespace {

using testing::HasSubstr;

using StreamTest = ServerTest;

TEST_F(StreamTest, EventsFromAnotherThread) {
  start();
  TestClient client(port());
  client.send(get_request("/held") + get_request("/hello"));
  auto exchange = held();
  ASSERT_TRUE(exchange);
  std::thread([exchange = std::move(exchange)]() mutable {
    SseWriter writer(std::move(exchange));
    writer.start(200, {{"X-Extra", "1"}});
    for (int i = 0; i < 3; ++i) {
      EXPECT_TRUE(writer.send(fmt::format("{{\"i\":{}}}", i)));
      std::this_thread::sleep_for(5ms);
    }
    writer.done();
    EXPECT_FALSE(writer.send("after the end"));
  }).join();
  const auto r = client.receive();
  ASSERT_TRUE(r);
  EXPECT_TRUE(r->chunked && r->complete);
  EXPECT_EQ(r->header("Content-Type"), "text/event-stream; charset=utf-8");
  EXPECT_EQ(r->header("X-Accel-Buffering"), "no");
  EXPECT_EQ(r->header("X-Extra"), "1");
  EXPECT_NE(r->header("openai-processing-ms"), "");
  EXPECT_EQ(r->header("Content-Length"), "");
  EXPECT_EQ(r->body, "data: {\"i\":0}\n\ndata: {\"i\":1}\n\ndata: {\"i\":2}\n\ndata: [DONE]\n\n");
  EXPECT_EQ(client.receive()->body, "hello");  // the connection goes on
}

TEST_F(StreamTest, ProcessingTimeIsThatToTheFirstChunk) {
  start();
  TestClient client(port());
  client.send(get_request("/held"));
  SseWriter writer(held());
  std::this_thread::sleep_for(60ms);
  writer.start();
  std::this_thread::sleep_for(200ms);
  writer.done();
  const int ms = std::stoi(client.receive()->header("openai-processing-ms"));
  EXPECT_GE(ms, 55);
  EXPECT_LT(ms, 200);
}

TEST_F(StreamTest, HttpOneZeroGetsAPlainStream) {
  start();
  TestClient client(port());
  client.send("GET /held HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  SseWriter writer(held());
  writer.start();
  writer.send("x");
  writer.done();
  const auto r = client.receive();
  ASSERT_TRUE(r);
  EXPECT_FALSE(r->chunked);
  EXPECT_EQ(r->header("Connection"), "close");
  EXPECT_EQ(r->body, "data: x\n\ndata: [DONE]\n\n");
}

TEST_F(StreamTest, PingsFillTheSilence) {
  start({.ping_interval = 50ms});
  TestClient client(port());
  client.send(get_request("/held"));
  SseWriter writer(held());
  writer.start();
  EXPECT_TRUE(client.receive_until(": ping - 20", 3s)) << client.buffered();
  writer.send("x");
  writer.done();
  const auto r = client.receive();
  ASSERT_TRUE(r);
  EXPECT_TRUE(r->complete);
  EXPECT_THAT(r->body, HasSubstr("Z\n\n"));
  EXPECT_TRUE(r->body.ends_with("data: x\n\ndata: [DONE]\n\n"));
}

TEST_F(StreamTest, PingsCanBeSwitchedOff) {
  start({.ping_interval = 0ms});
  TestClient client(port());
  client.send(get_request("/held"));
  SseWriter writer(held());
  writer.start();
  EXPECT_FALSE(client.receive_until("ping", 100ms));
  writer.done();
  EXPECT_EQ(client.receive()->body, "data: [DONE]\n\n");
}

TEST_F(StreamTest, AStreamDroppedInTheMiddleIsCut) {
  start();
  TestClient client(port());
  client.send(get_request("/held"));
  {
    SseWriter writer(held());
    writer.start();
    writer.send("x");
  }
  const auto r = client.receive();
  ASSERT_TRUE(r);
  EXPECT_EQ(r->body, "data: x\n\n");
  EXPECT_FALSE(r->complete);
  EXPECT_TRUE(client.closed_within(1s));
}

TEST_F(StreamTest, HeadOfAStream) {
  start();
  TestClient client(port());
  client.send("HEAD /held HTTP/1.1\r\nHost: localhost\r\n\r\n");
  SseWriter writer(held());
  writer.start();
  EXPECT_TRUE(eventually([&] { return !writer.send("x"); }));
  EXPECT_EQ(client.receive(5s, true)->status, 200);
  client.send(get_request("/hello"));
  EXPECT_EQ(client.receive()->body, "hello");
}

// Far less than a ping takes to find out, far more than a busy machine needs to tell.
constexpr std::chrono::milliseconds kSoon = 3000ms;

// How long it takes until a pending exchange learns that its client has left.
std::chrono::milliseconds time_to_notice(Exchange& exchange, const std::function<void()>& leave) {
  std::mutex mutex;
  std::condition_variable changed;
  bool told = false;
  exchange.on_disconnect([&] {
    std::lock_guard lock(mutex);
    told = true;
    changed.notify_all();
  });
  const auto begin = std::chrono::steady_clock::now();
  leave();
  std::unique_lock lock(mutex);
  EXPECT_TRUE(changed.wait_for(lock, 5s, [&] { return told; }));
  EXPECT_TRUE(exchange.disconnected());
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                               begin);
}

TEST_F(StreamTest, ALeavingClientIsNoticedWhileTheAnswerIsPending) {
  start();
  for (const bool hard : {false, true}) {
    TestClient client(port());
    client.send(post_request("/held", "{}"));
    auto exchange = held();
    ASSERT_TRUE(exchange);
    EXPECT_FALSE(exchange->disconnected());
    const auto leave = [&] { hard ? client.reset() : client.close(); };
    EXPECT_LT(time_to_notice(*exchange, leave), kSoon);
    exchange->respond(text_response("too late"));
    // A callback set afterwards is called at once.
    bool told = false;
    exchange->on_disconnect([&] { told = true; });
    EXPECT_TRUE(told);
  }
  EXPECT_TRUE(eventually([this] { return server().stats().connections_open == 0; }));
  EXPECT_EQ(server().stats().disconnects, 2u);
  EXPECT_EQ(server().stats().exchanges_running, 0u);
}

TEST_F(StreamTest, ALeavingClientIsNoticedBehindAPipelinedRequest) {
  start();
  TestClient client(port());
  client.send(get_request("/held") + get_request("/hello"));
  auto exchange = held();
  ASSERT_TRUE(exchange);
  EXPECT_LT(time_to_notice(*exchange, [&] { client.close(); }), kSoon);
}

TEST_F(StreamTest, AClientThatOnlyEndsItsOwnSideGetsItsAnswers) {
  start();
  TestClient client(port());
  client.send(get_request("/held") + get_request("/hello"));
  auto exchange = held();
  ASSERT_TRUE(exchange);
  client.finish_sending();
  EXPECT_TRUE(client.receive_until("HTTP/1.1 100 Continue\r\n\r\n", 2s));
  std::this_thread::sleep_for(50ms);
  EXPECT_FALSE(exchange->disconnected());
  exchange->respond(text_response("late"));
  EXPECT_EQ(client.receive()->status, 100);
  EXPECT_EQ(client.receive()->body, "late");
  EXPECT_EQ(client.receive()->body, "hello");
  EXPECT_TRUE(client.closed_within(2s));
  EXPECT_EQ(server().stats().disconnects, 0u);
}

TEST_F(StreamTest, AClientThatOnlyEndsItsOwnSideGetsItsWholeStream) {
  start();
  TestClient client(port());
  client.send(get_request("/held"));
  auto exchange = held();
  ASSERT_TRUE(exchange);
  SseWriter writer(exchange);
  writer.start();
  writer.send("x");
  EXPECT_TRUE(client.receive_until("data: x", 2s));
  client.finish_sending();
  EXPECT_TRUE(client.receive_until(": ping", 2s));
  std::this_thread::sleep_for(50ms);
  EXPECT_FALSE(exchange->disconnected());
  EXPECT_TRUE(writer.send("y"));
  writer.done();
  const auto r = client.receive();
  ASSERT_TRUE(r);
  EXPECT_TRUE(r->complete);
  EXPECT_THAT(r->body, HasSubstr("data: y\n\ndata: [DONE]\n\n"));
}

// HTTP/1.0 knows no answer before the answer, by which the server could find out.
TEST_F(StreamTest, AHalfClosedClientOfHttpOneZeroCountsAsGoneButKeepsAnAnswerThatIsReady) {
  start();
  TestClient waiting(port());
  waiting.send("GET /held HTTP/1.0\r\n\r\n");
  auto exchange = held();
  ASSERT_TRUE(exchange);
  EXPECT_LT(time_to_notice(*exchange, [&] { waiting.finish_sending(); }), kSoon);
  TestClient quick(port());
  quick.send("GET /hello HTTP/1.0\r\n\r\n");
  quick.finish_sending();
  const auto r = quick.receive();
  ASSERT_TRUE(r);
  EXPECT_EQ(r->body, "hello");
}

TEST_F(StreamTest, ALeavingClientIsNoticedInTheMiddleOfAStream) {
  start();
  TestClient client(port());
  client.send(get_request("/held"));
  auto exchange = held();
  SseWriter writer(exchange);
  writer.start();
  writer.send("x");
  EXPECT_TRUE(client.receive_until("data: x", 2s));
  EXPECT_LT(time_to_notice(*exchange, [&] { client.close(); }), kSoon);
  EXPECT_FALSE(writer.send("y"));
}

TEST_F(StreamTest, TheCallbackMayHoldItsOwnExchange) {
  start();
  TestClient client(port());
  client.send(get_request("/held"));
  auto exchange = held();
  std::weak_ptr<Exchange> weak = exchange;
  exchange->on_disconnect([exchange] { EXPECT_TRUE(exchange->disconnected()); });
  exchange.reset();
  EXPECT_FALSE(weak.expired());
  client.close();
  EXPECT_TRUE(eventually([&] { return weak.expired(); }));
}

TEST_F(StreamTest, ASlowReaderStopsTheProducerAndIsToldWhenToGoOn) {
  start({.stream_high_water_bytes = 32 << 10, .stream_limit_bytes = 256 << 10});
  TestClient client(port(), 4096);
  client.send(get_request("/held"));
  auto exchange = held();
  std::atomic<int> writable{0};
  exchange->on_writable([&] { ++writable; });
  SseWriter writer(exchange);
  writer.start();
  const std::string event(1000, 'x');
  size_t sent = 0;
  // Fill until the server's and the kernel's buffers are full and stay so.
  while (eventually([&] { return exchange->writable(); }, 300ms)) {
    ASSERT_TRUE(writer.send(event));
    ++sent;
    ASSERT_LT(sent, 100'000u) << "nothing ever pushed back";
  }
  EXPECT_GE(exchange->pending_bytes(), size_t{32} << 10);
  EXPECT_LT(exchange->pending_bytes(), size_t{34} << 10);
  const int before = writable;
  std::thread finisher([&] {
    EXPECT_TRUE(eventually([&] { return writable > before; }));
    writer.done();
  });
  const auto r = client.receive(20s);
  finisher.join();
  ASSERT_TRUE(r);
  EXPECT_TRUE(r->complete);
  EXPECT_EQ(r->body.size(), sent * (event.size() + 8) + std::string("data: [DONE]\n\n").size());
}

TEST_F(StreamTest, AProducerThatIgnoresAStuckClientIsCutOff) {
  start({.stream_high_water_bytes = 32 << 10, .stream_limit_bytes = 128 << 10});
  TestClient client(port(), 4096);
  client.send(get_request("/held"));
  auto exchange = held();
  SseWriter writer(exchange);
  writer.start();
  const std::string event(10'000, 'x');
  size_t peak = 0;
  const auto push = [&] {
    peak = std::max(peak, exchange->pending_bytes());
    return !writer.send(event);
  };
  EXPECT_TRUE(eventually(push));
  EXPECT_LE(peak, (size_t{32} << 10) + event.size() + (size_t{128} << 10));
  EXPECT_TRUE(eventually([&] { return exchange->disconnected(); }));
}

TEST_F(StreamTest, AClientThatDoesNotReadIsClosedAfterTheStallTimeout) {
  start({.write_stall_timeout = 300ms});
  TestClient client(port(), 4096);
  client.send(get_request("/held"));
  auto exchange = held();
  SseWriter writer(exchange);
  writer.start();
  const std::string event(10'000, 'x');
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_TRUE(eventually([&] {
    if (writer.writable()) writer.send(event);
    return exchange->disconnected();
  }));
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 300ms);
  EXPECT_TRUE(eventually([this] { return server().stats().connections_open == 0; }));
}

TEST_F(StreamTest, ManyStreamsFromManyThreads) {
  start();
  constexpr int kStreams = 40, kEvents = 50;
  std::vector<std::thread> clients;
  std::atomic<int> right{0};
  for (int i = 0; i < kStreams; ++i) {
    clients.emplace_back([&] {
      TestClient client(port());
      client.send(get_request("/held"));
      const auto r = client.receive(20s);
      std::string want;
      for (int e = 0; e < kEvents; ++e) want += fmt::format("data: {}\n\n", e);
      if (r && r->complete && r->body == want + "data: [DONE]\n\n") ++right;
    });
  }
  std::vector<std::thread> producers;
  for (int i = 0; i < kStreams; ++i) {
    producers.emplace_back([exchange = held()]() mutable {
      SseWriter writer(std::move(exchange));
      writer.start();
      for (int e = 0; e < kEvents; ++e) writer.send(std::to_string(e));
      writer.done();
    });
  }
  for (auto& thread : producers) thread.join();
  for (auto& thread : clients) thread.join();
  EXPECT_EQ(right, kStreams);
}

// The server goes while others still hold exchanges and use them.
TEST_F(StreamTest, StopRacesWithProducers) {
  for (int round = 0; round < 10; ++round) {
    start();
    TestClient client(port());
    client.send(get_request("/held"));
    auto exchange = held();
    std::thread producer([exchange]() mutable {
      SseWriter writer(std::move(exchange));
      writer.start();
      while (writer.send("x")) {
        while (!writer.writable() && !writer.exchange().disconnected()) std::this_thread::yield();
      }
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(round));
    server().stop();
    producer.join();
    EXPECT_TRUE(exchange->disconnected());
  }
}

}  // namespace
}  // namespace chasqui::http
