#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <thread>
#include <vector>

#include "serving/mock_server.h"

namespace chasqui::bench {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace bhttp = boost::beast::http;
using tcp = asio::ip::tcp;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

asio::awaitable<void> serve(tcp::socket socket) {
  beast::flat_buffer buffer;
  while (true) {
    bhttp::request<bhttp::string_body> request;
    auto [read_error, read] = co_await bhttp::async_read(socket, buffer, request, kAwait);
    if (read_error) co_return;
    bhttp::response<bhttp::string_body> response(bhttp::status::ok, 11, std::move(request.body()));
    response.set(bhttp::field::content_type, "application/json");
    response.keep_alive(true);
    response.prepare_payload();
    auto [write_error, written] = co_await bhttp::async_write(socket, response, kAwait);
    if (write_error) co_return;
  }
}

class EchoServer final : public BenchServer {
 public:
  explicit EchoServer(int threads)
      : acceptor_(io_, tcp::endpoint(asio::ip::address_v4::loopback(), 0)) {
    asio::co_spawn(io_, accept_all(), asio::detached);
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { io_.run(); });
  }

  ~EchoServer() override {
    io_.stop();
    for (std::thread& thread : threads_) thread.join();
  }

  uint16_t port() const override { return acceptor_.local_endpoint().port(); }

 private:
  asio::awaitable<void> accept_all() {
    while (true) {
      const auto strand = asio::make_strand(io_);
      tcp::socket socket(strand);
      auto [error] = co_await acceptor_.async_accept(socket, kAwait);
      if (error) co_return;
      socket.set_option(tcp::no_delay(true));
      asio::co_spawn(strand, serve(std::move(socket)), asio::detached);
    }
  }

  asio::io_context io_;
  tcp::acceptor acceptor_;
  std::vector<std::thread> threads_;
};

}  // namespace

std::unique_ptr<BenchServer> start_echo_server(int io_threads) {
  return std::make_unique<EchoServer>(io_threads);
}

}  // namespace chasqui::bench
