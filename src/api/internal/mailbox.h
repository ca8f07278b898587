// Where the engine leaves the events of one HTTP request, and where its connection fetches them.
// The engine's side never waits: it appends under a lock that nobody holds for longer than a move.
// Events stay apart, so that a stream has a chunk for each token even when the delivery thread is
// late; but once `separate` of a sequence wait, what comes is merged into the last one until that
// has kMergedTokens or kMergedBytes. What a slow client can make us hold is therefore bounded by
// the answer itself (n_ctx tokens a sequence), and no event becomes a chunk of megabytes.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "engine/request.h"

namespace chasqui::api {

// Adds a later event of the same sequence to an earlier one.
void merge_event(engine::Event& earlier, engine::Event&& later);

class Mailbox : public std::enable_shared_from_this<Mailbox> {
 public:
  // Enough for a delivery thread that gets no processor for some milliseconds while a tiny model
  // makes 10,000 tokens a second (32 was not); about 30 KiB for a sequence whose client stalls.
  static constexpr size_t kSeparate = 128;
  // A token with 20 log-probabilities is about 2 KiB of JSON.
  static constexpr size_t kMergedTokens = 64;
  static constexpr size_t kMergedBytes = 16 << 10;

  // `wake` is called (on the engine thread, not under the lock) when the box stops being empty; it
  // must only post. `separate` is 1 where nobody sees single events.
  Mailbox(size_t sequences, size_t separate, std::function<void()> wake);

  // The sink of sequence `index`; keeps the mailbox alive.
  std::shared_ptr<engine::EventSink> sink(size_t index);

  // The oldest event that waits, with its sequence. Who leaves some behind will not be woken for
  // those that follow. One thread at a time.
  std::optional<std::pair<size_t, engine::Event>> take();

  // No more wakes; the connection is gone.
  void close();

 private:
  class Sink;
  // What waits of one sequence: how many events, and the last of them (none: null).
  struct Waiting {
    size_t count = 0;
    engine::Event* last = nullptr;  // in pending_, whose elements do not move
  };
  void put(size_t index, engine::Event event);

  const size_t separate_;
  std::mutex mutex_;                                      // guards everything below
  std::function<void()> wake_;                            // empty once closed
  std::deque<std::pair<size_t, engine::Event>> pending_;  // grows and shrinks at its ends only
  std::vector<Waiting> waiting_;                          // by sequence; counts add up to pending_
};

}  // namespace chasqui::api
