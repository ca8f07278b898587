// A byte stream to one client, plain or TLS. All members on the connection's strand; one read and
// one write may be under way at once.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "http/internal/asio.h"

namespace chasqui::http {

struct IoResult {
  error_code error;  // end of file counts as an error
  size_t bytes = 0;
};

class Transport {
 public:
  virtual ~Transport() = default;

  virtual Task<error_code> handshake() = 0;
  virtual Task<IoResult> read_some(std::span<char> into) = 0;
  virtual Task<IoResult> write_some(std::string_view bytes) = 0;
  // Says that nothing more will be written; reading goes on.
  virtual Task<void> finish_writing() = 0;
  // Ends the connection at once; operations under way complete with an error.
  virtual void close() = 0;
};

std::unique_ptr<Transport> make_plain_transport(tcp::socket socket);
// `context` may go afterwards: OpenSSL counts who uses what is in it.
std::unique_ptr<Transport> make_tls_transport(tcp::socket socket, asio::ssl::context& context);

}  // namespace chasqui::http
