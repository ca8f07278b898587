// Server-sent events over an Exchange (WHATWG HTML, "Server-sent events"):
//   data: <text>\n\n        one event; a newline inside the text begins another data line
//   : ping - <time>\n\n     comment that keeps proxies awake, sent by the server when idle
//   data: [DONE]\n\n        OpenAI's last event
//
// Same threading as Exchange; holds it, so that the stream lives as long as its writer.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "http/exchange.h"

namespace chasqui::http {

class SseWriter {
 public:
  explicit SseWriter(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}

  // Sends the head: text/event-stream; charset=utf-8, Cache-Control: no-cache, no-store,
  // X-Accel-Buffering: no, and `headers`. Call it when the first event is there.
  void start(int status = 200, Headers headers = {});

  // One event with `data`, or with an event name too ("event: <name>"). False when the client is
  // gone: see Exchange::write. Names must not hold newlines.
  bool send(std::string_view data);
  bool send(std::string_view event, std::string_view data);

  // "data: [DONE]" and the end of the stream; or only the end.
  void done();
  void end() { exchange_->end(); }

  bool writable() const { return exchange_->writable(); }
  Exchange& exchange() { return *exchange_; }

 private:
  std::shared_ptr<Exchange> exchange_;
};

// The frame of one event, exposed for facades that merge several before they write.
std::string sse_frame(std::string_view event, std::string_view data);

}  // namespace chasqui::http
