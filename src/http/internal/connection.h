// One client. Two coroutines on one strand: run() serves request after request, read_loop() reads
// whatever the client sends into `input_` for as long as the connection lives. Because a read is
// always under way, a client that leaves is noticed at once, also while a handler works; and no
// read is ever cancelled, which TLS would not survive.
//
// run() is the only one that waits on `wake_`; everything that may interest it (bytes, end of
// file, an answer, draining) calls notify().
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "http/error.h"
#include "http/internal/admission.h"
#include "http/internal/asio.h"
#include "http/internal/exchange_core.h"
#include "http/internal/request_parser.h"
#include "http/internal/response_head.h"
#include "http/internal/server_state.h"
#include "http/internal/transport.h"

namespace chasqui::http {

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Strand = asio::strand<asio::io_context::executor_type>;

  // REQUIRES: the transport's socket has `strand` as its executor.
  Connection(std::shared_ptr<ServerState> server, Strand strand,
             std::unique_ptr<Transport> transport, std::string peer);
  ~Connection();

  // Any thread. start() once; drain() closes the connection after the exchange that runs, or now;
  // abort() closes it now.
  void start();
  void drain();
  void abort();

 private:
  using Milliseconds = std::chrono::milliseconds;

  // What serve() found out about an answer, for the log.
  struct Served {
    int status = 0;
    uint64_t body_bytes = 0;
    bool keep_alive = false;
  };

  // --- reading ---
  Task<void> read_loop(std::shared_ptr<Connection> self);
  Task<void> run(std::shared_ptr<Connection> self);
  Task<bool> serve();
  Task<std::optional<RequestParser::State>> read_head(RequestParser& parser);
  Task<std::optional<ErrorInfo>> read_body(RequestParser& parser, BodyShare& share);
  // Enough to see that a header is too long, and room for pipelined requests.
  size_t read_limit() const;
  RequestParser::State feed(RequestParser& parser);
  void client_gone();
  void spawn(Task<void> task);

  // --- answering (connection_answer.cc); false: the connection cannot be used further ---
  Task<void> answer_unparsed(ErrorInfo error);
  Task<bool> answer_at_once(const RequestHead& head, const Admission& admission, Response response,
                            bool keep_alive);
  void look();
  Task<bool> handle(const RequestHead& head, Admission admission);
  Task<Served> await_answer(const RequestHead& head, ExchangeCore& core);
  Task<Served> send_whole(const RequestHead& head, const Request& request, Response response,
                          int64_t processing_ms, bool keep_alive);
  Task<Served> send_stream(const RequestHead& head, ExchangeCore& core, Outgoing first);
  Task<bool> pump(ExchangeCore& core, Outgoing out, std::string prefix, bool chunked,
                  uint64_t& body_bytes);
  Task<bool> wait_for_more(ExchangeCore& core, bool chunked, Instant last_write);
  HeadFields head_fields(const RequestHead& head, const Request& request,
                         int64_t processing_ms) const;
  void log(const Request& request, const Route* route, const Served& served) const;

  // --- primitives ---
  // Waits for notify() or the deadline; false when the deadline came first.
  Task<bool> wait(std::optional<Instant> deadline);
  void notify();
  Task<bool> write(std::string_view bytes);
  Task<void> linger();
  void arm_stall_timer(Milliseconds limit);
  void disarm_stall_timer();
  void close();

  // Constant.
  const std::shared_ptr<ServerState> server_;
  const ServerOptions& options_;
  const std::string peer_;
  Strand strand_;

  // Strand only.
  std::unique_ptr<Transport> transport_;
  std::string input_;                       // read and not yet parsed; bounded by read_limit()
  std::shared_ptr<ExchangeCore> exchange_;  // the one that a handler works on
  asio::steady_timer wake_;
  asio::steady_timer space_;  // read_loop() waits here while input_ is full
  asio::steady_timer stall_;  // closes the connection when a write makes no progress
  Instant head_at_;           // when the header of the current request was complete
  bool notified_ = false;
  bool gone_ = false;  // end of file, or an error, or closed by us
  bool draining_ = false;
  bool reading_body_ = false;
  bool discarding_ = false;  // input is thrown away while the connection lingers
};

}  // namespace chasqui::http
