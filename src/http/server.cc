#include "http/server.h"

#include <fmt/format.h>

#include <thread>

#include "http/error.h"
#include "http/internal/asio.h"
#include "http/internal/connection.h"
#include "http/internal/listener.h"
#include "http/internal/server_state.h"

namespace chasqui::http {
namespace {

Status require(bool holds, std::string_view option, std::string_view range) {
  if (holds) return {};
  return fail(ErrorCode::kInvalidArgument, fmt::format("{} must be {}", option, range),
              std::string(option));
}

Status check(const ServerOptions& options) {
  CHASQUI_TRY_STATUS(require(options.io_threads >= 1 && options.io_threads <= 256, "io_threads",
                             "between 1 and 256"));
  CHASQUI_TRY_STATUS(require(options.backlog >= 1, "backlog", "at least 1"));
  CHASQUI_TRY_STATUS(
      require(options.max_header_bytes >= 256 && options.max_header_bytes <= (size_t{16} << 20),
              "max_header_bytes", "between 256 and 16777216"));
  CHASQUI_TRY_STATUS(require(options.max_connections >= 1, "max_connections", "at least 1"));
  CHASQUI_TRY_STATUS(require(options.stream_high_water_bytes >= 1 &&
                                 options.stream_limit_bytes >= options.stream_high_water_bytes,
                             "stream_limit_bytes",
                             "at least stream_high_water_bytes, which is "
                             "at least 1"));
  CHASQUI_TRY_STATUS(require(options.root_path.empty() || options.root_path.starts_with('/'),
                             "root_path", "empty or begin with '/'"));
  return require(options.ssl_keyfile.empty() == options.ssl_certfile.empty(), "ssl_keyfile",
                 "given together with ssl_certfile");
}

Result<asio::ssl::context> load_tls(const ServerOptions& options) {
  asio::ssl::context context(asio::ssl::context::tls_server);
  error_code error;
  context.set_options(asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1 |
                          asio::ssl::context::single_dh_use,
                      error);
  const auto bad = [&error](std::string_view what, const std::string& file) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} '{}' cannot be used: {}", what, file, error.message()),
                std::string(what));
  };
  context.use_certificate_chain_file(options.ssl_certfile, error);
  if (error) return bad("ssl_certfile", options.ssl_certfile);
  context.use_private_key_file(options.ssl_keyfile, asio::ssl::context::pem, error);
  if (error) return bad("ssl_keyfile", options.ssl_keyfile);
  return context;
}

}  // namespace

Status check_startable(const ServerOptions& options) {
  CHASQUI_TRY_STATUS(check(options));
  if (!options.ssl_keyfile.empty()) CHASQUI_TRY_STATUS(load_tls(options));
  asio::io_context io;
  CHASQUI_TRY_STATUS(bind_all(io, options));
  return {};
}

class Server::Impl {
 public:
  Impl(ServerOptions options, Router router)
      : state_(std::make_shared<ServerState>(std::move(options), std::move(router))) {}

  Result<uint16_t> start() {
    const ServerOptions& options = state_->options;
    CHASQUI_TRY_STATUS(check(options));
    if (!options.ssl_keyfile.empty()) {
      CHASQUI_TRY(asio::ssl::context tls, load_tls(options));
      state_->set_tls(std::move(tls));
    }
    CHASQUI_TRY(auto bound, bind_all(state_->io, options));
    state_->loopback_only = bound.loopback_only;
    for (tcp::acceptor& acceptor : bound.acceptors) {
      listeners_.push_back(std::make_shared<Listener>(state_, std::move(acceptor)));
      listeners_.back()->start();
    }
    work_.emplace(asio::make_work_guard(state_->io));
    for (int i = 0; i < options.io_threads; ++i) {
      threads_.emplace_back([state = state_] { state->io.run(); });
    }
    return bound.port;
  }

  Status reload_tls() {
    if (state_->options.ssl_keyfile.empty()) return {};
    CHASQUI_TRY(asio::ssl::context tls, load_tls(state_->options));
    state_->set_tls(std::move(tls));
    return {};
  }

  void stop_accepting() {
    for (const auto& listener : listeners_) listener->stop();
  }

  bool drain(std::chrono::milliseconds deadline) {
    state_->draining = true;
    stop_accepting();
    for (const auto& connection : state_->registry.all()) connection->drain();
    return state_->registry.wait_until_empty(Clock().now() + deadline);
  }

  void stop() {
    stop_accepting();
    state_->stopping = true;
    for (const auto& connection : state_->registry.all()) connection->abort();
    work_.reset();
    // The context runs out of work when the last connection has closed.
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
    listeners_.clear();
  }

  ServerStats stats() const {
    const auto& counters = state_->counters;
    ServerStats stats;
    stats.connections_open = state_->registry.size();
    stats.connections_total = counters.connections_total;
    stats.connections_refused = counters.connections_refused;
    stats.exchanges_running = counters.exchanges_running;
    stats.exchanges_total = counters.exchanges_total;
    stats.disconnects = counters.disconnects;
    return stats;
  }

 private:
  std::shared_ptr<ServerState> state_;
  std::vector<std::shared_ptr<Listener>> listeners_;
  std::optional<asio::executor_work_guard<asio::io_context::executor_type>> work_;
  std::vector<std::thread> threads_;
};

Server::Server(ServerOptions options, Router router)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(router))) {}

Server::~Server() {
  impl_->stop();
}

Result<uint16_t> Server::start() {
  return impl_->start();
}
Status Server::reload_tls() {
  return impl_->reload_tls();
}
void Server::stop_accepting() {
  impl_->stop_accepting();
}
bool Server::drain(std::chrono::milliseconds deadline) {
  return impl_->drain(deadline);
}
void Server::stop() {
  impl_->stop();
}
ServerStats Server::stats() const {
  return impl_->stats();
}

}  // namespace chasqui::http
