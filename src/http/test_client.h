// A tiny blocking HTTP client for tests: it can also be rude (bytes one by one, half requests,
// no reading), which real clients cannot.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "http/message.h"

namespace chasqui::http {

struct ClientResponse {
  int status = 0;
  Headers headers;
  std::string body;  // chunks joined
  bool chunked = false;
  bool complete = false;  // ended as its framing says
  std::string header(std::string_view name) const {
    return std::string(headers.find(name).value_or(""));
  }
};

class TestClient {
 public:
  // `receive_buffer`: SO_RCVBUF, for clients that are to be slow; 0 leaves it.
  explicit TestClient(uint16_t port, int receive_buffer = 0);
  ~TestClient() { close(); }
  TestClient(const TestClient&) = delete;
  TestClient& operator=(const TestClient&) = delete;

  bool connected() const { return fd_ >= 0; }
  bool send(std::string_view bytes);
  void finish_sending();  // FIN, still reading
  void close();
  void reset();  // RST

  // Reads one response. nullopt: none that is complete up to its header came within `limit`.
  // `head_only`: no body follows (HEAD).
  std::optional<ClientResponse> receive(std::chrono::milliseconds limit, bool head_only = false);
  std::optional<ClientResponse> receive() { return receive(std::chrono::seconds(5)); }
  // Reads until `text` has come; false after `limit` or at the end.
  bool receive_until(std::string_view text, std::chrono::milliseconds limit);
  // True when the server closes (or resets) within `limit`; what comes before is thrown away.
  bool closed_within(std::chrono::milliseconds limit);
  const std::string& buffered() const { return buffer_; }

 private:
  using Deadline = std::chrono::steady_clock::time_point;
  bool fill(Deadline deadline);  // false: nothing more by then
  bool need(size_t bytes, Deadline deadline);
  std::optional<std::string> line(Deadline deadline);
  void receive_chunks(ClientResponse& response, Deadline deadline);

  int fd_ = -1;
  std::string buffer_;
};

// "GET <path> HTTP/1.1" with a Host header and more header lines, each ending in CRLF.
std::string get_request(std::string_view path, std::string_view more_headers = "");
std::string post_request(std::string_view path, std::string_view body,
                         std::string_view more_headers = "");

}  // namespace chasqui::http
