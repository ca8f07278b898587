// Everything that can be set about the HTTP server, with the reason for each default. Plain
// values; Server::start() says which one is wrong.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace chasqui::http {

// One line for an access log or a metric. Strings are valid during the call only.
struct AccessRecord {
  std::string_view method;
  std::string_view path;   // as in Request::path; what was not parsed is ""
  std::string_view route;  // pattern of the row, "" when none matched: safe as a metric label
  std::string_view peer;
  std::string_view request_id;
  std::string_view error;       // code or type of the error body, "" for none; few values
  int status = 0;               // 499 when the client went away before the answer began
  uint64_t response_bytes = 0;  // of the body
  double seconds = 0;           // from the complete header to the end of the answer
};

struct ServerOptions {
  // Address or name. A name is bound at all its addresses ("localhost": IPv4 and IPv6).
  std::string host = "localhost";
  uint16_t port = 8000;  // 0: any free port
  int io_threads = 2;    // sockets only; two keep one slow callback from delaying all
  int backlog = 1024;    // connections that the kernel keeps until they are accepted

  // Limits. Each has its own status code; see server.h.
  size_t max_header_bytes = 32 << 10;  // request line and headers; cookies rarely pass 8 KiB
  size_t max_body_bytes = 32 << 20;    // a few images in base64, or a million tokens of text
  // Of all requests that are being read or answered. One more body than fits is answered with 503;
  // without it, a few hundred slow uploads would take all memory.
  size_t max_bodies_bytes = 512 << 20;
  size_t max_connections = 4096;  // about 10 KiB each while idle

  // Time. Zero switches a limit off.
  std::chrono::milliseconds header_timeout{10'000};  // first byte of a request to its last header
  std::chrono::milliseconds body_timeout{30'000};    // for each 64 KiB of a body: a minimum rate
  std::chrono::milliseconds idle_timeout{75'000};  // between two requests; above most proxies' 60 s
  std::chrono::milliseconds write_stall_timeout{
      60'000};  // a client that takes no byte so long is cut
  // What a request that is half sent when the server begins to drain has left.
  std::chrono::milliseconds drain_grace{1'000};
  std::chrono::milliseconds ping_interval{15'000};  // idle_text of streams; the replaced server's

  // Streams. Memory per connection stays below the sum of these plus one write.
  size_t stream_high_water_bytes = 64 << 10;  // unsent; from here on writable() is false
  size_t stream_limit_bytes = 1 << 20;        // written since then; more closes the connection

  // CORS, as the replaced server had it: "*" allows every origin. Empty: no CORS headers at all.
  std::vector<std::string> cors_origins = {"*"};

  // Path under which a proxy publishes the server ("/llm"): taken off when it is there.
  std::string root_path;

  // PEM files; both or none. With them the port speaks HTTPS only (TLS 1.2 or newer).
  std::string ssl_keyfile;
  std::string ssl_certfile;

  // A web page can make a name of its own resolve to 127.0.0.1 (DNS rebinding). When the server is
  // bound to loopback addresses only, requests must therefore name localhost, 127.0.0.1, [::1] or
  // one of `host_names` in their Host header; others get 403.
  bool check_host = true;
  std::vector<std::string> host_names;

  std::string server_name = "chasqui";  // Server header

  // Called on I/O threads after each answer; must return soon. May be empty.
  std::function<void(const AccessRecord&)> on_access;
};

}  // namespace chasqui::http
