// Binding, and accepting connections on one address.
#pragma once

#include <memory>
#include <vector>

#include "base/result.h"
#include "http/internal/asio.h"
#include "http/internal/server_state.h"

namespace chasqui::http {

struct Bound {
  std::vector<tcp::acceptor> acceptors;  // at least one, listening
  uint16_t port = 0;
  bool loopback_only = false;
};

// Listens at every address of options.host that this machine has, all with the same port.
Result<Bound> bind_all(asio::io_context& io, const ServerOptions& options);

class Listener : public std::enable_shared_from_this<Listener> {
 public:
  Listener(std::shared_ptr<ServerState> server, tcp::acceptor acceptor);
  void start();
  void stop();  // any thread

 private:
  using Strand = asio::strand<asio::io_context::executor_type>;

  Task<void> accept_loop(std::shared_ptr<Listener> self);
  void open(tcp::socket socket, Strand strand);
  Task<void> refuse(std::shared_ptr<tcp::socket> shared);

  std::shared_ptr<ServerState> server_;
  Strand strand_;  // of the acceptor and the timer
  tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  bool stopped_ = false;
  std::atomic<int> refusing_{0};
};

}  // namespace chasqui::http
