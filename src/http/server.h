// An HTTP/1.1 server (RFC 9112) for programs' APIs: routing, event streams, limits, timeouts, TLS.
// It knows nothing about what it serves.
//
// What it answers by itself, always with the error body of error.h:
//   400 malformed request, two lengths, bad Host, X-Request-ID that is not a UUID
//   403 foreign Host on a loopback server    404 unknown path        405 with Allow
//   408 header or body too slow              413 body too large      415 body is not JSON
//   417 unknown Expect                       431 header too large    500 handler failed
//   501 unknown transfer coding              503 too many connections (Retry-After)
//
// Every response carries Server, Date, X-Request-ID, openai-processing-ms (whole milliseconds
// until the handler answered) and, for requests with an Origin, the CORS fields. HEAD is GET
// without its body; OPTIONS answers CORS preflights, or the allowed methods.
//
// Thread-safe, except that start() is called once and before the others.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include "base/result.h"
#include "http/router.h"
#include "http/server_options.h"

namespace chasqui::http {

struct ServerStats {
  uint64_t connections_open = 0;
  uint64_t connections_total = 0;    // accepted since start
  uint64_t connections_refused = 0;  // over max_connections
  uint64_t exchanges_running = 0;    // handed to a handler, answer not complete
  uint64_t exchanges_total = 0;
  uint64_t disconnects = 0;  // clients that left before their answer was complete
};

// What start() would fail with: a wrong option, a bad certificate, an address in use. For programs
// that have long work to do before they can serve; the port is let go again.
Status check_startable(const ServerOptions& options);

class Server {
 public:
  Server(ServerOptions options, Router router);
  // Stops hard, see stop().
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Binds, listens and starts the I/O threads; returns the port. kInvalidArgument names the
  // option at fault; kIo names host and port ("cannot listen on
  // 127.0.0.1 port 8000: Address already in use").
  Result<uint16_t> start();

  // Reads the TLS files again, for connections opened from now on. An error names the file and
  // leaves everything as it was. Does nothing where the server speaks plain HTTP.
  Status reload_tls();

  // No new connections from now on; what is open goes on.
  void stop_accepting();

  // Stops accepting, closes idle connections, lets running exchanges finish (their connections
  // close after the answer), and waits until all are gone or `deadline` has passed. Returns true
  // when all are gone. Blocks the caller: not to be called from a handler.
  bool drain(std::chrono::milliseconds deadline);

  // Closes everything at once: exchanges see a disconnection. Waits for the I/O threads; no
  // callback runs afterwards. Exchanges that others still hold stay valid and do nothing.
  void stop();

  ServerStats stats() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace chasqui::http
