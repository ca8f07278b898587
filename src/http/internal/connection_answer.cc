// Answering: what the handler or the server says, to bytes.
#include <fmt/format.h>

#include "http/error.h"
#include "http/internal/connection.h"
#include "http/internal/cors.h"
#include "http/internal/request_id.h"

namespace chasqui::http {
namespace {

constexpr int kClientClosedRequest = 499;  // for the log only; the usual number for it

std::string framed(std::string_view bytes, bool chunked) {
  if (!chunked) return std::string(bytes);
  return fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes);
}

// `text` with {time} filled in.
std::string idle_bytes(std::string text, bool chunked) {
  constexpr std::string_view kTime = "{time}";
  if (const size_t at = text.find(kTime); at != std::string::npos) {
    text.replace(at, kTime.size(), iso_time());
  }
  return framed(text, chunked);
}

bool without_content(int status) {
  return status == 204 || status == 304;
}

ErrorInfo handler_failed() {
  return {.status = 500, .message = "The server had an error while processing the request."};
}

void call_handler(const Route& route, const std::shared_ptr<ExchangeCore>& core) {
  try {
    route.handler(std::make_shared<ExchangeHandle>(core));
  } catch (...) {
    core->respond(error_response(handler_failed()));
  }
}

}  // namespace

HeadFields Connection::head_fields(const RequestHead& head, const Request& request,
                                   int64_t processing_ms) const {
  HeadFields fields;
  fields.server_name = options_.server_name;
  fields.request_id = request.request_id;
  fields.processing_ms = processing_ms;
  fields.http11 = head.http11;
  add_cors_fields(options_.cors_origins, request.headers, fields.cors);
  return fields;
}

void Connection::log(const Request& request, const Route* route, const Served& served) const {
  if (!options_.on_access) return;
  AccessRecord record;
  record.method = request.method;
  record.path = request.path;
  record.route = route ? std::string_view(route->pattern) : std::string_view();
  record.peer = peer_;
  record.request_id = request.request_id;
  record.error = served.error;
  record.status = served.status;
  record.response_bytes = served.body_bytes;
  record.seconds = seconds_between(head_at_, Clock().now());
  options_.on_access(record);
}

// A request that was never understood has neither id nor origin.
Task<void> Connection::answer_unparsed(ErrorInfo error) {
  head_at_ = Clock().now();
  Request request;
  request.request_id = random_uuid_hex();
  const RequestHead head;
  Response response = error_response(error);
  const Served served = co_await send_whole(head, request, std::move(response), 0, false);
  log(request, nullptr, served);
}

Task<bool> Connection::answer_at_once(const RequestHead& head, const Admission& admission,
                                      Response response, bool keep_alive) {
  const auto elapsed = std::chrono::duration_cast<Milliseconds>(Clock().now() - head_at_);
  const Served served = co_await send_whole(head, admission.request, std::move(response),
                                            elapsed.count(), keep_alive);
  log(admission.request, admission.route, served);
  co_return served.keep_alive;
}

Task<Connection::Served> Connection::send_whole(const RequestHead& head, const Request& request,
                                                Response response, int64_t processing_ms,
                                                bool keep_alive) {
  HeadFields fields = head_fields(head, request, processing_ms);
  fields.keep_alive = keep_alive;
  if (!without_content(response.status)) fields.content_length = response.body.size();
  std::string bytes = response_head(response, fields);
  Served served{.status = response.status, .error = std::move(response.error)};
  if (head.method != "HEAD" && !without_content(response.status)) {
    bytes += response.body;
    served.body_bytes = response.body.size();
  }
  const bool written = co_await write(bytes);
  served.keep_alive = written && keep_alive;
  co_return served;
}

// Something was queued by the exchange. Whoever waits will take it, unless it is stuck in a write.
void Connection::look() {
  if (exchange_ && exchange_->overflowed()) close();
  notify();
}

Task<bool> Connection::handle(const RequestHead& head, Admission admission) {
  const ExchangeCore::Limits limits{options_.stream_high_water_bytes, options_.stream_limit_bytes};
  const auto wake = [weak = weak_from_this()] {
    if (auto self = weak.lock()) asio::post(self->strand_, [self] { self->look(); });
  };
  const auto core = std::make_shared<ExchangeCore>(std::move(admission.request), limits, wake);
  exchange_ = core;
  ++server_->counters.exchanges_total;
  ++server_->counters.exchanges_running;
  call_handler(*admission.route, core);
  const Served served = co_await await_answer(head, *core);
  exchange_.reset();
  --server_->counters.exchanges_running;
  if (core->disconnected()) ++server_->counters.disconnects;
  core->finish();
  log(core->request(), admission.route, served);
  co_return served.keep_alive;
}

Task<Connection::Served> Connection::await_answer(const RequestHead& head, ExchangeCore& core) {
  while (true) {
    Outgoing out = core.take();
    if (out.abandoned && !out.head) out.response = error_response(handler_failed());
    if (out.response) {
      const bool keep_alive = head.keep_alive && !draining_;
      Response response = std::move(*out.response);
      co_return co_await send_whole(head, core.request(), std::move(response), core.processing_ms(),
                                    keep_alive);
    }
    if (out.head) co_return co_await send_stream(head, core, std::move(out));
    if (gone_) {
      core.disconnect();  // it may have left before there was an exchange to tell
      co_return Served{.status = kClientClosedRequest};
    }
    if (input_ended_ && !head.http11) {
      close();  // HTTP/1.0 has nothing that could be sent before the answer
    } else if (!co_await probe("HTTP/1.1 100 Continue\r\n\r\n")) {
      co_await wait(std::nullopt);
    }
  }
}

// Once the client has ended its side: sends `bytes`, which say nothing. True when they were sent
// now; if nobody is there any more, a reset comes back (see Transport::wait_until_lost).
Task<bool> Connection::probe(std::string bytes) {
  if (!input_ended_ || gone_ || std::exchange(probed_, true)) co_return false;
  co_await write(bytes);
  co_return true;
}

Task<Connection::Served> Connection::send_stream(const RequestHead& head, ExchangeCore& core,
                                                 Outgoing first) {
  const bool chunked = head.http11;
  HeadFields fields = head_fields(head, core.request(), core.processing_ms());
  fields.keep_alive = head.keep_alive && chunked && !draining_;
  fields.chunked = chunked;
  const Response response = std::move(*first.head);
  Served served{.status = response.status};
  std::string bytes = response_head(response, fields);
  if (head.method == "HEAD") {
    core.disconnect();  // nobody wants what would follow
    served.keep_alive = co_await write(bytes) && fields.keep_alive;
    co_return served;
  }
  const bool complete =
      co_await pump(core, std::move(first), std::move(bytes), chunked, served.body_bytes);
  // Whatever stopped a stream early, the client must see it cut: no end mark, closed at once.
  if (!complete) close();
  served.keep_alive = complete && fields.keep_alive;
  co_return served;
}

// Sends `prefix`, then what the producer queues, until its end. False when the stream was cut.
Task<bool> Connection::pump(ExchangeCore& core, Outgoing out, std::string prefix, bool chunked,
                            uint64_t& body_bytes) {
  while (true) {
    std::string bytes = std::move(prefix);
    prefix.clear();
    if (!out.bytes.empty()) bytes += framed(out.bytes, chunked);
    if (out.ended && chunked) bytes += "0\r\n\r\n";
    if (!bytes.empty() && !co_await write(bytes)) co_return false;
    body_bytes += out.bytes.size();
    core.written(out.bytes.size());
    if (out.ended) co_return true;
    if (out.abandoned || out.overflow) co_return false;
    if (gone_) co_return false;

    const Instant last_write = Clock().now();
    out = core.take();
    while (out.bytes.empty() && !out.ended && !out.abandoned && !out.overflow) {
      if (!co_await wait_for_more(core, chunked, last_write)) co_return false;
      out = core.take();
    }
  }
}

// Returns when something may have been queued; writes the idle text meanwhile. False: gone.
Task<bool> Connection::wait_for_more(ExchangeCore& core, bool chunked, Instant last_write) {
  const Milliseconds interval = options_.ping_interval;
  const bool pings = interval.count() > 0 && !core.idle_text().empty();
  while (!gone_) {
    std::optional<Instant> deadline;
    if (pings) deadline = last_write + interval;
    if (input_ended_ && core.idle_text().empty()) close();  // no way to ask whether it is there
    if (input_ended_ && co_await probe(idle_bytes(core.idle_text(), chunked))) continue;
    if (co_await wait(deadline)) co_return !gone_;
    if (!co_await write(idle_bytes(core.idle_text(), chunked))) co_return false;
    last_write = Clock().now();
  }
  co_return false;
}

}  // namespace chasqui::http
