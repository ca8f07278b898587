// Messages from many threads to one. Pushing is lock-free: one compare-and-swap on a list head,
// so no producer can make the engine thread wait, not even one that the host has put to sleep
// (a mutex around a vector would let it, however short the critical section). The consumer takes
// the whole list with one exchange and turns it round.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

namespace chasqui::engine {

template <typename Message>
class Inbox {
 public:
  Inbox() = default;
  Inbox(const Inbox&) = delete;
  Inbox& operator=(const Inbox&) = delete;
  ~Inbox() {
    drain([](Message) {});
  }

  // Any thread.
  void push(Message message) {
    auto* node = new Node{std::move(message), head_.load(std::memory_order_relaxed)};
    while (!head_.compare_exchange_weak(node->next, node, std::memory_order_release,
                                        std::memory_order_relaxed)) {
    }
  }

  // One thread at a time: calls receive(message) for everything pushed so far; messages of one
  // thread come in its order.
  template <typename Receive>
  void drain(const Receive& receive) {
    Node* newest = head_.exchange(nullptr, std::memory_order_acquire);
    Node* oldest = nullptr;
    while (newest != nullptr) {
      Node* following = std::exchange(newest->next, oldest);
      oldest = std::exchange(newest, following);
    }
    while (oldest != nullptr) {
      const std::unique_ptr<Node> node(oldest);
      oldest = node->next;
      receive(std::move(node->message));
    }
  }

 private:
  struct Node {
    Message message;
    Node* next;
  };
  std::atomic<Node*> head_{nullptr};
};

// Wakes the one thread that waits for work. ring() before the sleeper looks is not lost: it reads
// the count first, then looks for work, then sleeps only if the count is still the same.
class Bell {
 public:
  uint32_t count() const { return rings_.load(std::memory_order_acquire); }
  void ring() {
    rings_.fetch_add(1, std::memory_order_release);
    rings_.notify_one();
  }
  void wait_after(uint32_t count) const { rings_.wait(count, std::memory_order_acquire); }

 private:
  std::atomic<uint32_t> rings_{0};  // 32-bit because that is what a futex waits on
};

}  // namespace chasqui::engine
