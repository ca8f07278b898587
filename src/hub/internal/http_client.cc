#include "hub/internal/http_client.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <array>

#include "hub/internal/asio.h"

namespace chasqui::hub {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;
using tcp = asio::ip::tcp;

// Awaited operations return tuples that begin with an error code; nothing throws.
constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

constexpr size_t kChunkBytes = 64 << 10;
constexpr uint32_t kMostHeaderBytes = 64 << 10;
constexpr std::chrono::milliseconds kLookForStop{100};

using Outcome = Fetched<void>;

// What an exchange works on; outlives its coroutine.
struct Exchange {
  const HttpRequest& request;
  BodySink& sink;
  const HubOptions& options;
  HttpHead head;
};

tl::unexpected<Failure> broken(const Exchange& exchange, std::string_view doing,
                               const error_code& error) {
  const std::string server = exchange.request.url.authority();
  const bool timed_out = error == beast::error::timeout;
  return passing(fmt::format("cannot {} {}: {}", doing, server,
                             timed_out ? "it took too long" : error.message()));
}

void read_head(const http::response_parser<http::buffer_body>& parser, HttpHead& head) {
  head.status = static_cast<int>(parser.get().result_int());
  for (const auto& field : parser.get()) {
    head.fields.emplace_back(field.name_string(), field.value());
  }
  if (const auto length = parser.content_length()) head.length = *length;
}

http::request<http::empty_body> message_of(const HttpRequest& request) {
  constexpr unsigned kHttp11 = 11;
  http::request<http::empty_body> message(http::verb::get, request.url.target, kHttp11);
  message.set(http::field::host, request.url.authority());
  message.set(http::field::user_agent, "chasqui");
  message.set(http::field::connection, "close");
  // Ranges and lengths are of the bytes themselves.
  message.set(http::field::accept_encoding, "identity");
  for (const auto& [name, value] : request.headers) message.set(name, value);
  return message;
}

template <typename Stream>
asio::awaitable<Outcome> read_body(Stream& stream, beast::flat_buffer& buffer,
                                   http::response_parser<http::buffer_body>& parser,
                                   Exchange& exchange) {
  std::vector<std::byte> chunk(kChunkBytes);
  while (!parser.is_done()) {
    auto& body = parser.get().body();
    body.data = chunk.data();
    body.size = chunk.size();
    beast::get_lowest_layer(stream).expires_after(exchange.options.chunk_timeout);
    auto [error, bytes] = co_await http::async_read(stream, buffer, parser, kAwait);
    // Also what came before a cut counts.
    const size_t got = chunk.size() - body.size;
    if (got > 0) {
      auto taken = exchange.sink.take(std::span(chunk).first(got));
      if (!taken) co_return taken;
    }
    if (error && error != http::error::need_buffer) {
      co_return broken(exchange, "read from", error);
    }
  }
  co_return Outcome();
}

// The whole exchange over a connection that stands.
template <typename Stream>
asio::awaitable<Outcome> converse(Stream& stream, Exchange& exchange) {
  auto& socket = beast::get_lowest_layer(stream);
  socket.expires_after(exchange.options.answer_timeout);
  const auto message = message_of(exchange.request);
  auto [write_error, written] = co_await http::async_write(stream, message, kAwait);
  if (write_error) co_return broken(exchange, "write to", write_error);

  beast::flat_buffer buffer;
  http::response_parser<http::buffer_body> parser;
  parser.header_limit(kMostHeaderBytes);
  parser.body_limit(boost::none);
  auto [read_error, read] = co_await http::async_read_header(stream, buffer, parser, kAwait);
  if (read_error) {
    const bool no_http =
        read_error.category() == http::make_error_code(http::error::bad_version).category() &&
        read_error != http::error::end_of_stream && read_error != http::error::partial_message;
    if (no_http) {
      co_return lasting({ErrorCode::kCorrupt,
                         fmt::format("{} does not answer in HTTP: {}",
                                     exchange.request.url.authority(), read_error.message()),
                         ""});
    }
    co_return broken(exchange, "read from", read_error);
  }
  read_head(parser, exchange.head);
  auto wanted = exchange.sink.begin(exchange.head);
  if (!wanted) co_return tl::unexpected<Failure>(wanted.error());
  if (!*wanted) co_return Outcome();
  co_return co_await read_body(stream, buffer, parser, exchange);
}

// A certificate that does not hold will not hold later either.
tl::unexpected<Failure> handshake_failed(const Exchange& exchange, SSL* ssl,
                                         const error_code& error) {
  const long verdict = SSL_get_verify_result(ssl);
  if (verdict == X509_V_OK && error.category() != asio::error::get_ssl_category()) {
    return broken(exchange, "set up TLS with", error);
  }
  const std::string reason =
      verdict == X509_V_OK ? error.message() : X509_verify_cert_error_string(verdict);
  return lasting(
      {ErrorCode::kIo,
       fmt::format("the TLS connection to {} failed: {} (a proxy that opens TLS, or a hub of your "
                   "own, needs its certificate in the file that SSL_CERT_FILE names; Debian's "
                   "ca-certificates brings the usual ones)",
                   exchange.request.url.authority(), reason),
       ""});
}

asio::awaitable<Outcome> converse_over_tls(beast::tcp_stream plain, Exchange& exchange) {
  asio::ssl::context context(asio::ssl::context::tls_client);
  error_code error;
  context.set_default_verify_paths(error);
  SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
  beast::ssl_stream<beast::tcp_stream> stream(std::move(plain), context);
  const std::string& host = exchange.request.url.host;
  stream.set_verify_mode(asio::ssl::verify_peer);
  stream.set_verify_callback(asio::ssl::host_name_verification(host), error);
  SSL_set_tlsext_host_name(stream.native_handle(), host.c_str());
  beast::get_lowest_layer(stream).expires_after(exchange.options.connect_timeout);
  auto [handshake] = co_await stream.async_handshake(asio::ssl::stream_base::client, kAwait);
  if (handshake) co_return handshake_failed(exchange, stream.native_handle(), handshake);
  co_return co_await converse(stream, exchange);
}

asio::awaitable<Outcome> run_exchange(Exchange& exchange) {
  const Url& url = exchange.request.url;
  const auto executor = co_await asio::this_coro::executor;
  tcp::resolver resolver(executor);
  auto [resolve_error, addresses] = co_await resolver.async_resolve(url.host, url.port, kAwait);
  if (resolve_error) co_return broken(exchange, "find", resolve_error);
  beast::tcp_stream stream(executor);
  stream.expires_after(exchange.options.connect_timeout);
  auto [connect_error, endpoint] = co_await stream.async_connect(addresses, kAwait);
  if (connect_error) co_return broken(exchange, "connect to", connect_error);
  if (url.tls) co_return co_await converse_over_tls(std::move(stream), exchange);
  co_return co_await converse(stream, exchange);
}

}  // namespace

std::string HttpHead::field(std::string_view name) const {
  for (const auto& [key, value] : fields) {
    if (beast::iequals(key, name)) return value;
  }
  return "";
}

Fetched<HttpHead> http_get(const HttpRequest& request, BodySink& sink, const HubOptions& options,
                           const Stop& stop) {
  Exchange exchange{request, sink, options, {}};
  Outcome outcome = passing("the exchange with " + request.url.authority() + " did not end");
  bool done = false;
  asio::io_context io(1);
  asio::co_spawn(io, run_exchange(exchange), [&](const std::exception_ptr& error, Outcome result) {
    done = true;
    if (!error) outcome = std::move(result);
  });
  while (!done) {
    if (stop && stop()) return lasting(wait_unless_stopped({}, stop).error());
    if (io.run_for(kLookForStop) == 0 && io.stopped()) break;
  }
  if (!outcome) return tl::unexpected<Failure>(std::move(outcome.error()));
  return std::move(exchange.head);
}

}  // namespace chasqui::hub
