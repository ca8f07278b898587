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

class Mailbox::Sink final : public engine::EventSink {
 public:
  Sink(std::shared_ptr<Mailbox> box, size_t index) : box_(std::move(box)), index_(index) {}
  void on_event(engine::Event event) override { box_->put(index_, std::move(event)); }

 private:
  const std::shared_ptr<Mailbox> box_;
  const size_t index_;
};

Mailbox::Mailbox(size_t sequences, std::function<void()> wake)
    : wake_(std::move(wake)), slot_(sequences, -1) {}

std::shared_ptr<engine::EventSink> Mailbox::sink(size_t index) {
  return std::make_shared<Sink>(shared_from_this(), index);
}

std::vector<std::pair<size_t, engine::Event>> Mailbox::take() {
  std::vector<std::pair<size_t, engine::Event>> taken;
  const std::lock_guard lock(mutex_);
  taken.swap(pending_);
  for (const auto& [index, event] : taken) slot_[index] = -1;
  return taken;
}

void Mailbox::close() {
  std::function<void()> gone;  // destroyed after the lock is free: it may own this mailbox
  const std::lock_guard lock(mutex_);
  gone.swap(wake_);
  pending_.clear();
  slot_.assign(slot_.size(), -1);
}

void Mailbox::put(size_t index, engine::Event event) {
  std::function<void()> wake;
  {
    const std::lock_guard lock(mutex_);
    if (!wake_) return;
    if (slot_[index] >= 0) {
      merge_event(pending_[static_cast<size_t>(slot_[index])].second, std::move(event));
      return;
    }
    if (pending_.empty()) wake = wake_;
    slot_[index] = static_cast<int>(pending_.size());
    pending_.emplace_back(index, std::move(event));
  }
  if (wake) wake();
}

}  // namespace chasqui::api
