// A server on 127.0.0.1 with a handful of routes that behave in the ways the tests need.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "http/server.h"
#include "http/sse_writer.h"
#include "http/test_client.h"

namespace chasqui::http {

using namespace std::chrono_literals;

inline Response text_response(std::string body) {
  Response response;
  response.content_type = "text/plain";
  response.body = std::move(body);
  return response;
}

class ServerTest : public testing::Test {
 protected:
  // Routes:  GET /hello            POST /echo (JSON, at most 1000 bytes)   POST /any (any type)
  //          GET /held, POST /held: kept in held() for the test to answer   GET /throws
  //          GET /dropped: never answered
  void start(ServerOptions options = {}) {
    options.host = "127.0.0.1";
    options.port = 0;
    server_ = std::make_unique<Server>(std::move(options), routes());
    const auto port = server_->start();
    ASSERT_TRUE(port) << port.error().message;
    port_ = *port;
  }

  void TearDown() override {
    held_.clear();
    server_.reset();
  }

  // The next exchange that came to /held; fails the test after 5 s.
  std::shared_ptr<Exchange> held() {
    std::unique_lock lock(mutex_);
    if (!came_.wait_for(lock, 5s, [this] { return !held_.empty(); })) {
      ADD_FAILURE() << "no request came";
      return nullptr;
    }
    auto exchange = held_.front();
    held_.erase(held_.begin());
    return exchange;
  }

  // Waits until `condition` holds; false after `limit`.
  static bool eventually(const std::function<bool()>& condition,
                         std::chrono::milliseconds limit = 5000ms) {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::sleep_for(1ms);
    }
    return true;
  }

  ClientResponse ask(std::string_view request) {
    TestClient client(port_);
    EXPECT_TRUE(client.send(request));
    auto response = client.receive();
    EXPECT_TRUE(response) << request;
    return response.value_or(ClientResponse{});
  }

  Server& server() { return *server_; }
  uint16_t port() const { return port_; }

 private:
  Router routes() {
    Router router;
    router.get("/hello", [](auto exchange) { exchange->respond(text_response("hello")); });
    const Handler echo = [](std::shared_ptr<Exchange> exchange) {
      exchange->respond(text_response(exchange->request().body));
    };
    EXPECT_TRUE(router.add(
        {.method = "POST", .pattern = "/echo", .handler = echo, .max_body_bytes = 1000}));
    EXPECT_TRUE(
        router.add({.method = "POST", .pattern = "/any", .handler = echo, .json_only = false}));
    const Handler hold = [this](std::shared_ptr<Exchange> exchange) {
      std::lock_guard lock(mutex_);
      held_.push_back(std::move(exchange));
      came_.notify_all();
    };
    router.get("/held", hold);
    router.post("/held", hold);
    router.get("/throws", [](auto) { throw 1; });
    router.get("/dropped", [](auto) {});
    router.get("/item/{id...}", [](auto exchange) {
      exchange->respond(text_response(std::string(exchange->request().param("id"))));
    });
    router.get("/guarded", [](auto exchange) { exchange->respond(text_response("in")); });
    router.add_guard([](const Request& request) -> std::optional<Response> {
      if (request.path != "/guarded" || request.headers.contains("Authorization")) return {};
      return Response{.status = 401, .body = "{}"};
    });
    return router;
  }

  std::mutex mutex_;
  std::condition_variable came_;
  std::vector<std::shared_ptr<Exchange>> held_;
  std::unique_ptr<Server> server_;
  uint16_t port_ = 0;
};

}  // namespace chasqui::http
