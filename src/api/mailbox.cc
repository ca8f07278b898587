#include "api/internal/mailbox.h"

#include <iterator>

namespace chasqui::api {

void merge_event(engine::Event& earlier, engine::Event&& later) {
  earlier.text += later.text;
  earlier.tokens.insert(earlier.tokens.end(), std::make_move_iterator(later.tokens.begin()),
                        std::make_move_iterator(later.tokens.end()));
  if (!later.embedding.empty()) earlier.embedding = std::move(later.embedding);
  if (later.finish) earlier.finish = later.finish;
  if (!later.stop_text.empty()) earlier.stop_text = std::move(later.stop_text);
  if (later.error) earlier.error = std::move(later.error);
  earlier.usage = later.usage;
}

namespace {

bool has_room(const engine::Event& event) {
  return event.tokens.size() < Mailbox::kMergedTokens && event.text.size() < Mailbox::kMergedBytes;
}

}  // namespace

class Mailbox::Sink final : public engine::EventSink {
 public:
  Sink(std::shared_ptr<Mailbox> box, size_t index) : box_(std::move(box)), index_(index) {}
  void on_event(engine::Event event) override { box_->put(index_, std::move(event)); }

 private:
  const std::shared_ptr<Mailbox> box_;
  const size_t index_;
};

Mailbox::Mailbox(size_t sequences, size_t separate, std::function<void()> wake)
    : separate_(separate), wake_(std::move(wake)), waiting_(sequences) {}

std::shared_ptr<engine::EventSink> Mailbox::sink(size_t index) {
  return std::make_shared<Sink>(shared_from_this(), index);
}

std::optional<std::pair<size_t, engine::Event>> Mailbox::take() {
  const std::lock_guard lock(mutex_);
  if (pending_.empty()) return std::nullopt;
  auto taken = std::move(pending_.front());
  pending_.pop_front();
  Waiting& waiting = waiting_[taken.first];
  if (--waiting.count == 0) waiting.last = nullptr;
  return taken;
}

void Mailbox::close() {
  // Destroyed after the lock is free: the one may own this mailbox, the others may be many.
  std::function<void()> gone;
  decltype(pending_) dropped;
  const std::lock_guard lock(mutex_);
  gone.swap(wake_);
  dropped.swap(pending_);
  waiting_.assign(waiting_.size(), {});
}

void Mailbox::put(size_t index, engine::Event event) {
  std::function<void()> wake;
  {
    const std::lock_guard lock(mutex_);
    if (!wake_) return;
    Waiting& waiting = waiting_[index];
    if (waiting.count >= separate_ && has_room(*waiting.last)) {
      return merge_event(*waiting.last, std::move(event));
    }
    if (pending_.empty()) wake = wake_;
    waiting.last = &pending_.emplace_back(index, std::move(event)).second;
    ++waiting.count;
  }
  if (wake) wake();
}

}  // namespace chasqui::api
