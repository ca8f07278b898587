#include "http/internal/transport.h"

namespace chasqui::http {
namespace {

void close_socket(tcp::socket& socket) {
  error_code ignored;
  socket.close(ignored);
}

class PlainTransport final : public Transport {
 public:
  explicit PlainTransport(tcp::socket socket) : socket_(std::move(socket)) {}

  Task<error_code> handshake() override { co_return error_code{}; }

  Task<IoResult> read_some(std::span<char> into) override {
    auto [error, bytes] =
        co_await socket_.async_read_some(asio::buffer(into.data(), into.size()), kAwait);
    co_return IoResult{error, bytes};
  }

  Task<IoResult> write_some(std::string_view bytes) override {
    auto [error, written] =
        co_await socket_.async_write_some(asio::buffer(bytes.data(), bytes.size()), kAwait);
    co_return IoResult{error, written};
  }

  Task<void> wait_until_lost() override {
    co_await socket_.async_wait(tcp::socket::wait_error, kAwait);
  }

  Task<void> finish_writing() override {
    error_code ignored;
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
    co_return;
  }

  void close() override { close_socket(socket_); }

 private:
  tcp::socket socket_;
};

class TlsTransport final : public Transport {
 public:
  TlsTransport(tcp::socket socket, asio::ssl::context& context)
      : stream_(std::move(socket), context) {}

  Task<error_code> handshake() override {
    auto [error] = co_await stream_.async_handshake(asio::ssl::stream_base::server, kAwait);
    co_return error;
  }

  Task<IoResult> read_some(std::span<char> into) override {
    auto [error, bytes] =
        co_await stream_.async_read_some(asio::buffer(into.data(), into.size()), kAwait);
    co_return IoResult{error, bytes};
  }

  Task<IoResult> write_some(std::string_view bytes) override {
    auto [error, written] =
        co_await stream_.async_write_some(asio::buffer(bytes.data(), bytes.size()), kAwait);
    co_return IoResult{error, written};
  }

  Task<void> wait_until_lost() override { co_return; }

  // Sends close_notify and waits for the client's, within the caller's time limit.
  Task<void> finish_writing() override { co_await stream_.async_shutdown(kAwait); }

  void close() override { close_socket(stream_.next_layer()); }

 private:
  asio::ssl::stream<tcp::socket> stream_;
};

}  // namespace

std::unique_ptr<Transport> make_plain_transport(tcp::socket socket) {
  return std::make_unique<PlainTransport>(std::move(socket));
}

std::unique_ptr<Transport> make_tls_transport(tcp::socket socket, asio::ssl::context& context) {
  return std::make_unique<TlsTransport>(std::move(socket), context);
}

}  // namespace chasqui::http
