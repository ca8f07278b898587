// The state behind one Exchange, between the threads that answer and the connection that sends.
// Producers queue under a short lock and wake the connection at most once per take(); the
// connection takes everything queued at once, so events merge by themselves when the socket is
// slower than the producer.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.h"
#include "http/exchange.h"
#include "http/message.h"

namespace chasqui::http {

// What the connection finds when it looks. At most one of `response` and `head` is ever given,
// once; `bytes` belong behind `head`.
struct Outgoing {
  std::optional<Response> response;
  std::optional<Response> head;
  std::string bytes;
  bool ended = false;      // nothing follows `bytes`
  bool abandoned = false;  // nobody is left to answer
  bool overflow = false;   // the producer ran far ahead of the client
};

class ExchangeCore {
 public:
  struct Limits {
    size_t high_water_bytes = 0;
    size_t limit_bytes = 0;
  };

  // `wake` asks the connection to look again. Called under the lock, so that none comes after
  // finish() or disconnect() returned: it must not block or call back.
  ExchangeCore(Request request, Limits limits, std::function<void()> wake);

  // --- any thread ---
  const Request& request() const { return request_; }
  void respond(Response response);
  void start_stream(Response head, std::string idle_text);
  bool write(std::string bytes);
  void end();
  void abandon();
  size_t pending_bytes() const;
  bool writable() const { return pending_bytes() < limits_.high_water_bytes; }
  bool disconnected() const;
  void on_disconnect(std::function<void()> callback);
  void on_writable(std::function<void()> callback);

  // --- the connection only ---
  Outgoing take();
  // `bytes` of what was taken have reached the socket.
  void written(size_t bytes);
  // The producer ran into the limit: the connection is to be closed, even in the middle of a write.
  bool overflowed() const;
  // The client is gone: later answers are dropped, the callback runs.
  void disconnect();
  // The answer is complete: drops the callbacks.
  void finish();
  const std::string& idle_text() const { return idle_text_; }  // after take() gave `head`
  int64_t processing_ms() const { return processing_ms_; }     // after take() gave an answer
  Instant started() const { return started_; }

 private:
  enum class Phase { kOpen, kStreaming, kEnded };

  void wake_locked();
  void stop_clock_locked();

  const Request request_;
  const Limits limits_;
  const Instant started_ = Clock().now();

  mutable std::mutex mutex_;  // guards everything below
  std::function<void()> wake_;
  bool woken_ = false;  // a wake is under way and take() has not been called since
  Phase phase_ = Phase::kOpen;
  Outgoing queued_;
  std::string idle_text_;
  int64_t processing_ms_ = 0;
  size_t taken_bytes_ = 0;  // taken, not yet written
  size_t late_bytes_ = 0;   // written since writable() last held
  bool full_ = false;       // writable() became false and on_writable_ is due
  bool disconnected_ = false;
  bool finished_ = false;
  std::function<void()> on_disconnect_;
  std::function<void()> on_writable_;
};

// The Exchange that handlers hold; its end is the last moment for an answer.
class ExchangeHandle final : public Exchange {
 public:
  explicit ExchangeHandle(std::shared_ptr<ExchangeCore> core) : core_(std::move(core)) {}
  ~ExchangeHandle() override { core_->abandon(); }
  ExchangeHandle(const ExchangeHandle&) = delete;
  ExchangeHandle& operator=(const ExchangeHandle&) = delete;

  const Request& request() const override { return core_->request(); }
  void respond(Response response) override { core_->respond(std::move(response)); }
  void start_stream(Response head, std::string idle_text) override {
    core_->start_stream(std::move(head), std::move(idle_text));
  }
  bool write(std::string bytes) override { return core_->write(std::move(bytes)); }
  void end() override { core_->end(); }
  size_t pending_bytes() const override { return core_->pending_bytes(); }
  bool writable() const override { return core_->writable(); }
  bool disconnected() const override { return core_->disconnected(); }
  void on_disconnect(std::function<void()> callback) override {
    core_->on_disconnect(std::move(callback));
  }
  void on_writable(std::function<void()> callback) override {
    core_->on_writable(std::move(callback));
  }

 private:
  std::shared_ptr<ExchangeCore> core_;
};

}  // namespace chasqui::http
