// What the server and all of its connections share. Connections hold it, so it outlives them;
// it owns the I/O context, so sockets may be closed by whoever lets go of the last connection.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "http/internal/asio.h"
#include "http/router.h"
#include "http/server.h"
#include "http/server_options.h"

namespace chasqui::http {

class Connection;

// The open connections. Any thread.
class Registry {
 public:
  void add(const std::shared_ptr<Connection>& connection);
  void remove(const Connection* connection);
  size_t size() const;
  std::vector<std::shared_ptr<Connection>> all() const;
  // True when none is left before `deadline`.
  bool wait_until_empty(std::chrono::steady_clock::time_point deadline);

 private:
  mutable std::mutex mutex_;
  std::condition_variable emptied_;
  std::unordered_map<const Connection*, std::weak_ptr<Connection>> open_;
};

struct ServerState {
  ServerState(ServerOptions o, Router r) : options(std::move(o)), router(std::move(r)) {}

  // Constant once the server has started.
  const ServerOptions options;
  const Router router;
  bool loopback_only = false;

  // Of connections opened from now on; null: plain HTTP. Never changes between the two. Those that
  // are open keep what they began with. Any thread.
  std::shared_ptr<asio::ssl::context> tls() const {
    const std::lock_guard lock(tls_mutex_);
    return tls_;
  }
  void set_tls(asio::ssl::context context) {
    const std::lock_guard lock(tls_mutex_);
    tls_ = std::make_shared<asio::ssl::context>(std::move(context));
  }

  asio::io_context io;
  Registry registry;
  std::atomic<bool> draining{false};  // connections opened from now on serve nothing
  std::atomic<bool> stopping{false};  // connections opened from now on close at once

  std::atomic<size_t> body_bytes{0};  // held by requests, see BodyShare

  struct Counters {
    std::atomic<uint64_t> connections_total{0};
    std::atomic<uint64_t> connections_refused{0};
    std::atomic<uint64_t> exchanges_running{0};
    std::atomic<uint64_t> exchanges_total{0};
    std::atomic<uint64_t> disconnects{0};
  } counters;

 private:
  mutable std::mutex tls_mutex_;
  std::shared_ptr<asio::ssl::context> tls_;  // guarded by tls_mutex_
};

// What the body of one request takes of ServerOptions::max_bodies_bytes, from its first byte until
// the answer is complete.
class BodyShare {
 public:
  explicit BodyShare(ServerState& server) : server_(server) {}
  ~BodyShare() { server_.body_bytes.fetch_sub(held_); }
  BodyShare(const BodyShare&) = delete;
  BodyShare& operator=(const BodyShare&) = delete;

  // False when all bodies together are now larger than they may be.
  bool grow(size_t bytes) {
    held_ += bytes;
    return server_.body_bytes.fetch_add(bytes) + bytes <= server_.options.max_bodies_bytes;
  }

 private:
  ServerState& server_;
  size_t held_ = 0;
};

}  // namespace chasqui::http
