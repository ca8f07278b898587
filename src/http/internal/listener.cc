#include "http/internal/listener.h"

#include <fmt/format.h>

#include "http/error.h"
#include "http/internal/connection.h"
#include "http/internal/request_id.h"
#include "http/internal/response_head.h"

namespace chasqui::http {
namespace {

// When the process is out of file descriptors, accept() fails at once and again: wait for some to
// be closed instead of spinning.
constexpr std::chrono::milliseconds kAcceptPause{50};

// Connections over the limit get a 503 for this long; more of them than this are just closed.
constexpr std::chrono::milliseconds kRefusalTime{1000};
constexpr int kMaxRefusing = 64;

Error bind_error(const ServerOptions& options, const error_code& error) {
  return {
      ErrorCode::kIo,
      fmt::format("cannot listen on {} port {}: {}", options.host, options.port, error.message()),
      "host"};
}

Result<tcp::acceptor> bind_one(asio::io_context& io, const tcp::endpoint& endpoint, int backlog,
                               error_code& error) {
  tcp::acceptor acceptor(asio::make_strand(io));
  const auto failed = [&error] { return fail(ErrorCode::kIo, error.message()); };
  if (acceptor.open(endpoint.protocol(), error); error) return failed();
  acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (endpoint.address().is_v6()) acceptor.set_option(asio::ip::v6_only(true), error);
  if (acceptor.bind(endpoint, error); error) return failed();
  if (acceptor.listen(backlog, error); error) return failed();
  return acceptor;
}

std::string busy_response(std::string_view server_name) {
  Response response = error_response(
      {.status = 503, .message = "The server has too many connections; try again later."});
  response.headers.add("Retry-After", "1");
  const std::string id = random_uuid_hex();
  HeadFields fields;
  fields.server_name = server_name;
  fields.request_id = id;
  fields.keep_alive = false;
  fields.content_length = response.body.size();
  return response_head(response, fields) + response.body;
}

}  // namespace

Result<Bound> bind_all(asio::io_context& io, const ServerOptions& options) {
  error_code error;
  tcp::resolver resolver(io);
  const auto found =
      resolver.resolve(options.host, std::to_string(options.port), tcp::resolver::passive, error);
  if (error) return fail(bind_error(options, error));
  Bound bound;
  bound.port = options.port;
  bound.loopback_only = true;
  error_code first_error;
  for (const auto& entry : found) {
    tcp::endpoint endpoint = entry.endpoint();
    endpoint.port(bound.port);
    auto acceptor = bind_one(io, endpoint, options.backlog, error);
    if (!acceptor) {
      // A port in use is fatal; an address family that this machine lacks is not, as long as
      // another address works.
      if (error == asio::error::address_in_use && options.port != 0) {
        return fail(bind_error(options, error));
      }
      if (!first_error) first_error = error;
      continue;
    }
    bound.port = acceptor->local_endpoint(error).port();
    bound.loopback_only = bound.loopback_only && endpoint.address().is_loopback();
    bound.acceptors.push_back(std::move(*acceptor));
  }
  if (bound.acceptors.empty()) return fail(bind_error(options, first_error));
  return bound;
}

Listener::Listener(std::shared_ptr<ServerState> server, tcp::acceptor acceptor)
    : server_(std::move(server)),
      strand_(asio::make_strand(server_->io)),
      acceptor_(std::move(acceptor)),
      pause_(strand_) {}

void Listener::start() {
  asio::co_spawn(strand_, accept_loop(shared_from_this()), asio::detached);
}

void Listener::stop() {
  asio::post(strand_, [self = shared_from_this()] {
    self->stopped_ = true;
    error_code ignored;
    self->acceptor_.close(ignored);
    self->pause_.cancel();
  });
}

Task<void> Listener::accept_loop([[maybe_unused]] std::shared_ptr<Listener> self) {
  while (!stopped_) {
    Strand strand = asio::make_strand(server_->io);
    tcp::socket socket(strand);
    auto [error] = co_await acceptor_.async_accept(socket, kAwait);
    if (!error) {
      open(std::move(socket), std::move(strand));
    } else if (!stopped_) {
      pause_.expires_after(kAcceptPause);
      co_await pause_.async_wait(kAwait);
    }
  }
}

void Listener::open(tcp::socket socket, Strand strand) {
  error_code error;
  socket.set_option(tcp::no_delay(true), error);  // events are small and must not wait
  // Finds out about peers that vanished without a word, within the kernel's two hours.
  socket.set_option(asio::socket_base::keep_alive(true), error);
  const auto remote = socket.remote_endpoint(error);
  std::string peer = error ? "" : remote.address().to_string();

  const std::shared_ptr<asio::ssl::context> tls = server_->tls();
  if (server_->registry.size() >= server_->options.max_connections) {
    ++server_->counters.connections_refused;
    if (tls || refusing_ >= kMaxRefusing) return;  // closes it
    ++refusing_;
    asio::co_spawn(strand, refuse(std::make_shared<tcp::socket>(std::move(socket))),
                   [self = shared_from_this()](std::exception_ptr) { --self->refusing_; });
    return;
  }
  auto transport =
      tls ? make_tls_transport(std::move(socket), *tls) : make_plain_transport(std::move(socket));
  auto connection =
      std::make_shared<Connection>(server_, strand, std::move(transport), std::move(peer));
  server_->registry.add(connection);
  ++server_->counters.connections_total;
  connection->start();
}

Task<void> Listener::refuse(std::shared_ptr<tcp::socket> shared) {
  tcp::socket& socket = *shared;
  const std::string bytes = busy_response(server_->options.server_name);
  asio::steady_timer limit(socket.get_executor(), kRefusalTime);
  // The handler may run after this coroutine has ended, so it holds the socket too.
  limit.async_wait([shared](error_code error) {
    error_code ignored;
    if (!error) shared->close(ignored);
  });
  co_await asio::async_write(socket, asio::buffer(bytes), kAwait);
  error_code ignored;
  socket.shutdown(tcp::socket::shutdown_send, ignored);
  // Closing with unread bytes would reset the connection before the answer is read.
  char discarded[1024];
  while (true) {
    auto [error, read] = co_await socket.async_read_some(asio::buffer(discarded), kAwait);
    if (error) break;
  }
}

}  // namespace chasqui::http
