// One request and the way to answer it.
//
// A handler gets the Exchange on an I/O thread. It must return soon (it must not wait, compute for
// long or touch a disk); it either answers at once or keeps the shared_ptr and answers later from
// any thread. All members may be called from any thread at any time; calls that answer take
// effect in the order in which they are made, so they should come from one thread at a time.
//
// An answer is either one respond(), or start_stream(), then any number of write(), then end().
// Anything out of this order is ignored. When the last shared_ptr goes without an answer, the
// client gets a 500; when it goes in the middle of a stream, the connection is cut, so that the
// client can tell a cut stream from a complete one.
//
// No call blocks and none fails: a client that went away makes the calls do nothing. Tests of
// handlers may implement this interface themselves.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "http/message.h"

namespace chasqui::http {

class Exchange {
 public:
  virtual ~Exchange() = default;

  // Valid as long as the Exchange is.
  virtual const Request& request() const = 0;

  // The whole answer. openai-processing-ms is the time until this call (or start_stream).
  virtual void respond(Response response) = 0;

  // Sends status and headers of `head` (its body is ignored); the body follows by write(), in
  // chunks for HTTP/1.1, up to the end of the connection for HTTP/1.0. Call it when the first
  // bytes are there: until then an error can still set the status. `idle_text`, unless empty, is
  // written whenever nothing was written for ServerOptions::ping_interval; "{time}" in it becomes
  // the UTC time. See SseWriter for event streams.
  virtual void start_stream(Response head, std::string idle_text) = 0;

  // Queues bytes of a stream; never waits. Returns false when the client is gone or the stream
  // has ended: the producer may stop. While writable() holds, one write may have any size; more
  // than ServerOptions::stream_limit_bytes written while it does not close the connection, so
  // look at writable() and merge what comes meanwhile.
  virtual bool write(std::string bytes) = 0;

  // Completes a stream. The connection then serves its next request.
  virtual void end() = 0;

  // Bytes queued by write() that the socket has not taken yet, and whether they are fewer than
  // ServerOptions::stream_high_water_bytes.
  virtual size_t pending_bytes() const = 0;
  virtual bool writable() const = 0;

  // True once the client closed its side, the connection failed, or the server is being stopped,
  // before the answer was complete. Never becomes false again.
  virtual bool disconnected() const = 0;

  // `callback` is called at most once, when disconnected() becomes true; on an I/O thread, or at
  // once by this call when it is true already. Never after the answer is complete. It is
  // destroyed with the exchange's end, so it may hold the Exchange itself. At most one callback;
  // a second call replaces the first.
  //
  // Disconnection is noticed while the handler still works on the answer, unless the client has
  // sent so many pipelined requests that their bytes fill the header limit.
  virtual void on_disconnect(std::function<void()> callback) = 0;

  // `callback` is called each time writable() becomes true after a write() had made it false, on
  // an I/O thread. Same rules as above. Not called after end().
  virtual void on_writable(std::function<void()> callback) = 0;
};

}  // namespace chasqui::http
