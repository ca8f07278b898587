// Reading: bytes to requests. What is sent back is in connection_answer.cc.
#include "http/internal/connection.h"

#include <fmt/format.h>

#include <algorithm>

#include "http/error.h"
#include "http/internal/request_id.h"

namespace chasqui::http {
namespace {

// Idle connections keep one buffer each, so it is small; a body deserves fewer system calls.
constexpr size_t kSmallRead = 4 << 10;
constexpr size_t kLargeRead = 64 << 10;

// How long a closed connection stays to let its last answer arrive (see linger()).
constexpr std::chrono::milliseconds kLinger{2000};
// The same for one that ended between two requests: its last answer was on its way already.
constexpr std::chrono::milliseconds kIdleLinger{200};

// body_timeout is granted anew after this much: a minimum rate instead of a maximum size.
constexpr size_t kBodyStride = 64 << 10;

std::optional<Instant> after(std::chrono::milliseconds limit) {
  if (limit.count() <= 0) return std::nullopt;
  return Clock().now() + limit;
}

}  // namespace

Connection::Connection(std::shared_ptr<ServerState> server, Strand strand,
                       std::unique_ptr<Transport> transport, std::string peer)
    : server_(std::move(server)),
      options_(server_->options),
      peer_(std::move(peer)),
      strand_(std::move(strand)),
      transport_(std::move(transport)),
      wake_(strand_),
      space_(strand_),
      stall_(strand_) {}

Connection::~Connection() {
  server_->registry.remove(this);
}

void Connection::start() {
  spawn(run(shared_from_this()));
}

// An exception (out of memory) must not leave the other coroutine waiting for ever.
void Connection::spawn(Task<void> task) {
  asio::co_spawn(strand_, std::move(task), [self = shared_from_this()](std::exception_ptr error) {
    if (error) self->close();
  });
}

void Connection::drain() {
  asio::post(strand_, [self = shared_from_this()] {
    self->draining_ = true;
    self->drain_until_ = Clock().now() + self->options_.drain_grace;
    self->notify();
  });
}

void Connection::abort() {
  asio::post(strand_, [self = shared_from_this()] { self->close(); });
}

// --- primitives ---

void Connection::notify() {
  notified_ = true;
  wake_.cancel();
}

Task<bool> Connection::wait(std::optional<Instant> deadline) {
  // Asked first, or a client that sends a byte now and then would never be late.
  if (deadline && Clock().now() >= *deadline) co_return false;
  if (!notified_) {
    wake_.expires_at(deadline.value_or(Instant::max()));
    co_await wake_.async_wait(kAwait);
  }
  co_return std::exchange(notified_, false);
}

void Connection::arm_stall_timer(Milliseconds limit) {
  if (limit.count() <= 0) return;
  stall_.expires_after(limit);
  stall_.async_wait([weak = weak_from_this()](error_code error) {
    if (error) return;
    // A timer that fired just before it was set again does not count.
    if (auto self = weak.lock(); self && self->stall_.expiry() <= Clock().now()) self->close();
  });
}

void Connection::disarm_stall_timer() {
  stall_.expires_at(Instant::max());
}

void Connection::close() {
  transport_->close();
  stall_.cancel();
  client_gone();
}

void Connection::client_gone() {
  gone_ = true;
  // The handler learns it now, not when run() is resumed: it may be in the middle of a write.
  if (auto exchange = exchange_) exchange->disconnect();
  space_.cancel();
  notify();
}

// The limit on progress is per write_some(): a slow reader is served, a stuck one is not. Mostly
// the system takes everything at once, and neither timers nor the loop of events are asked.
Task<bool> Connection::write(std::string_view bytes) {
  while (!bytes.empty()) {
    arm_stall_timer(options_.write_stall_timeout);
    const IoResult result = co_await transport_->write_some(bytes);
    disarm_stall_timer();
    if (result.error) {
      close();
      co_return false;
    }
    bytes.remove_prefix(result.bytes);
  }
  co_return true;
}

// Closing a socket while bytes of the client are unread makes the kernel send a reset, which may
// overtake the answer. So: say that we are done, throw away what still comes, wait for the end.
Task<void> Connection::linger(Milliseconds limit) {
  if (!gone_) {
    discarding_ = true;
    input_.clear();
    space_.cancel();
    arm_stall_timer(limit);
    co_await transport_->finish_writing();
    const auto deadline = Clock().now() + limit;
    bool in_time = true;
    while (!gone_ && !input_ended_ && in_time) in_time = co_await wait(deadline);
  }
  close();
}

// --- reading ---

Task<void> Connection::read_loop([[maybe_unused]] std::shared_ptr<Connection> self) {
  std::string chunk;
  while (!gone_) {
    if (input_.size() >= read_limit() && !discarding_) {
      space_.expires_at(Instant::max());
      co_await space_.async_wait(kAwait);
      continue;
    }
    chunk.resize(reading_body_ ? kLargeRead : kSmallRead);
    const IoResult result = co_await transport_->read_some(chunk);
    if (!discarding_) input_.append(chunk, 0, result.bytes);
    notify();
    if (!result.error) continue;
    input_ended_ = true;
    if (result.error == asio::error::eof) co_await transport_->wait_until_lost();
    client_gone();
  }
}

size_t Connection::read_limit() const {
  return options_.max_header_bytes + kSmallRead;
}

std::optional<Instant> Connection::reading_until(std::optional<Instant> own) const {
  if (!own || !drain_until_) return own ? own : drain_until_;
  return std::min(*own, *drain_until_);
}

ErrorInfo Connection::late(std::string_view part) const {
  if (drain_until_ && *drain_until_ <= Clock().now()) {
    return {.status = 503, .message = "The server is shutting down."};
  }
  return {.status = 408, .message = fmt::format("The request's {} did not arrive in time.", part)};
}

RequestParser::State Connection::feed(RequestParser& parser) {
  size_t consumed = 0;
  const auto state = parser.feed(input_, consumed);
  input_.erase(0, consumed);
  space_.cancel();
  return state;
}

// nullopt: the client left, or was idle too long, or the server is draining.
Task<std::optional<RequestParser::State>> Connection::read_head(RequestParser& parser) {
  std::optional<Instant> deadline = after(options_.idle_timeout);
  while (true) {
    const bool was_started = parser.started();
    const auto state = feed(parser);
    if (state != RequestParser::State::kNeedMore) co_return state;
    if (parser.started() && !was_started) deadline = after(options_.header_timeout);
    if (gone_ || input_ended_ || (draining_ && !parser.started())) co_return std::nullopt;
    if (co_await wait(reading_until(deadline))) continue;
    if (parser.started()) co_await answer_unparsed(late("header"));
    co_return std::nullopt;
  }
}

// nullopt: the whole body is there. An error of status 0: the client left.
Task<std::optional<ErrorInfo>> Connection::read_body(RequestParser& parser, BodyShare& share) {
  std::optional<Instant> deadline = after(options_.body_timeout);
  size_t since_deadline = 0;
  while (true) {
    const size_t before = input_.size();
    const auto state = feed(parser);
    const size_t taken = before - input_.size();
    if (!share.grow(taken)) {
      co_return ErrorInfo{.status = 503,
                          .message = "The server holds too many large requests; try again later."};
    }
    if (state == RequestParser::State::kComplete) co_return std::nullopt;
    if (state == RequestParser::State::kError) co_return parser.error();
    if (gone_ || input_ended_) co_return ErrorInfo{.status = 0};
    // The parser takes lines whole, and no more is read: neither would ever move.
    if (taken == 0 && input_.size() >= read_limit()) {
      co_return ErrorInfo{.status = 400, .message = "A chunk's size or its trailers are too long."};
    }
    since_deadline += taken;
    if (since_deadline >= kBodyStride) {
      deadline = after(options_.body_timeout);
      since_deadline = 0;
    }
    if (!co_await wait(reading_until(deadline))) break;
  }
  co_return late("body");
}

// One request. False ends the connection.
Task<bool> Connection::serve() {
  RequestParser parser(options_.max_header_bytes);
  const auto state = co_await read_head(parser);
  idle_ = !state && !parser.started();
  if (!state) co_return false;
  if (*state == RequestParser::State::kError) {
    co_await answer_unparsed(parser.error());
    co_return false;
  }
  const RequestHead& head = parser.head();
  head_at_ = Clock().now();
  Admission admission = admit(head, options_, server_->router, server_->loopback_only);
  admission.request.peer = peer_;
  if (admission.answer) {
    // An unread body makes the connection useless for the next request.
    const bool keep_alive = head.keep_alive && !head.has_body && !draining_;
    Response response = std::move(*admission.answer);
    co_return co_await answer_at_once(head, admission, std::move(response), keep_alive);
  }
  BodyShare share(*server_);
  if (head.has_body) {
    parser.set_max_body_bytes(admission.max_body_bytes);
    if (head.expects_continue && input_.empty() &&
        !co_await write("HTTP/1.1 100 Continue\r\n\r\n")) {
      co_return false;
    }
    reading_body_ = true;
    const std::optional<ErrorInfo> error = co_await read_body(parser, share);
    reading_body_ = false;
    if (error && error->status == 0) co_return false;
    if (error) {
      Response response = error_response(*error);
      if (error->status == 503) response.headers.add("Retry-After", "1");
      co_return co_await answer_at_once(head, admission, std::move(response), false);
    }
    admission.request.body = parser.take_body();
  }
  co_return co_await handle(head, std::move(admission));
}

Task<void> Connection::run(std::shared_ptr<Connection> self) {
  arm_stall_timer(options_.header_timeout);
  const error_code failed = co_await transport_->handshake();
  disarm_stall_timer();
  if (!failed && !gone_ && !server_->stopping) {
    spawn(read_loop(self));
    draining_ = draining_ || server_->draining;
    bool more = true;
    while (!gone_ && more) more = co_await serve();
    co_await linger(idle_ ? kIdleLinger : kLinger);
  }
  close();
}

}  // namespace chasqui::http
