#include "http/internal/exchange_core.h"

#include <utility>

namespace chasqui::http {

// Callbacks may hold the Exchange, whose destructor locks: they are always moved out under the
// lock and called or destroyed outside of it.

ExchangeCore::ExchangeCore(Request request, Limits limits, std::function<void()> wake)
    : request_(std::move(request)), limits_(limits), wake_(std::move(wake)) {}

void ExchangeCore::wake_locked() {
  if (woken_ || disconnected_ || finished_) return;
  woken_ = true;
  wake_();
}

void ExchangeCore::stop_clock_locked() {
  const auto elapsed = Clock().now() - started_;
  processing_ms_ = std::chrono::duration_cast<std::chrono::milliseconds>(elapsed).count();
}

void ExchangeCore::respond(Response response) {
  std::lock_guard lock(mutex_);
  if (phase_ != Phase::kOpen || disconnected_) return;
  phase_ = Phase::kEnded;
  stop_clock_locked();
  queued_.response = std::move(response);
  queued_.ended = true;
  wake_locked();
}

void ExchangeCore::start_stream(Response head, std::string idle_text) {
  std::lock_guard lock(mutex_);
  if (phase_ != Phase::kOpen || disconnected_) return;
  phase_ = Phase::kStreaming;
  stop_clock_locked();
  queued_.head = std::move(head);
  idle_text_ = std::move(idle_text);
  wake_locked();
}

bool ExchangeCore::write(std::string bytes) {
  std::lock_guard lock(mutex_);
  if (phase_ != Phase::kStreaming || disconnected_ || queued_.overflow) return false;
  const size_t pending = taken_bytes_ + queued_.bytes.size();
  // One write of any size is taken while the client keeps up: what is bounded is the heap that
  // builds up behind a client that does not read.
  late_bytes_ = pending < limits_.high_water_bytes ? 0 : late_bytes_ + bytes.size();
  if (late_bytes_ > limits_.limit_bytes) {
    queued_.overflow = true;
    woken_ = false;  // it may be stuck in a write and will not look by itself
    wake_locked();
    return false;
  }
  if (queued_.bytes.empty()) {
    queued_.bytes = std::move(bytes);
  } else {
    queued_.bytes += bytes;
  }
  full_ = full_ || taken_bytes_ + queued_.bytes.size() >= limits_.high_water_bytes;
  wake_locked();
  return true;
}

void ExchangeCore::end() {
  std::lock_guard lock(mutex_);
  if (phase_ != Phase::kStreaming) return;
  phase_ = Phase::kEnded;
  queued_.ended = true;
  wake_locked();
}

void ExchangeCore::abandon() {
  std::lock_guard lock(mutex_);
  if (phase_ == Phase::kEnded) return;
  if (phase_ == Phase::kOpen) stop_clock_locked();
  phase_ = Phase::kEnded;
  queued_.abandoned = true;
  wake_locked();
}

size_t ExchangeCore::pending_bytes() const {
  std::lock_guard lock(mutex_);
  return taken_bytes_ + queued_.bytes.size();
}

bool ExchangeCore::disconnected() const {
  std::lock_guard lock(mutex_);
  return disconnected_;
}

bool ExchangeCore::overflowed() const {
  std::lock_guard lock(mutex_);
  return queued_.overflow;
}

void ExchangeCore::on_disconnect(std::function<void()> callback) {
  std::function<void()> replaced;
  {
    std::lock_guard lock(mutex_);
    if (!disconnected_) {
      if (finished_) return;
      replaced = std::exchange(on_disconnect_, std::move(callback));
      return;
    }
  }
  if (callback) callback();
}

void ExchangeCore::on_writable(std::function<void()> callback) {
  std::function<void()> replaced;
  std::lock_guard lock(mutex_);
  if (finished_ || disconnected_) return;
  replaced = std::exchange(on_writable_, std::move(callback));
}

Outgoing ExchangeCore::take() {
  std::lock_guard lock(mutex_);
  woken_ = false;
  taken_bytes_ += queued_.bytes.size();
  Outgoing out = std::move(queued_);
  queued_ = {};
  queued_.ended = out.ended;
  queued_.abandoned = out.abandoned;
  queued_.overflow = out.overflow;
  return out;
}

void ExchangeCore::written(size_t bytes) {
  std::function<void()> callback;
  {
    std::lock_guard lock(mutex_);
    if (disconnected_) return;
    taken_bytes_ -= bytes;
    const size_t pending = taken_bytes_ + queued_.bytes.size();
    if (!full_ || pending >= limits_.high_water_bytes || phase_ != Phase::kStreaming) return;
    full_ = false;
    callback = on_writable_;
  }
  if (callback) callback();
}

void ExchangeCore::disconnect() {
  std::function<void()> callback, dropped;
  {
    std::lock_guard lock(mutex_);
    if (disconnected_ || finished_) return;
    disconnected_ = true;
    queued_ = {};
    taken_bytes_ = 0;
    callback = std::move(on_disconnect_);
    on_disconnect_ = nullptr;
    dropped = std::move(on_writable_);
    on_writable_ = nullptr;
  }
  if (callback) callback();
}

void ExchangeCore::finish() {
  std::function<void()> first, second;
  {
    std::lock_guard lock(mutex_);
    finished_ = true;
    first = std::move(on_disconnect_);
    second = std::move(on_writable_);
    on_disconnect_ = nullptr;
    on_writable_ = nullptr;
  }
}

}  // namespace chasqui::http
