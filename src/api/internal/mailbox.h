// Where the engine leaves the events of one HTTP request, and where its connection fetches them.
// The engine's side never waits: it appends under a lock that nobody holds for longer than a move,
// and events that the connection has not fetched yet are merged into one per sequence. What a slow
// client can make us hold is therefore bounded by the answer itself (n_ctx tokens a sequence).
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "engine/request.h"

namespace chasqui::api {

// Adds a later event of the same sequence to an earlier one.
void merge_event(engine::Event& earlier, engine::Event&& later);

class Mailbox : public std::enable_shared_from_this<Mailbox> {
 public:
  // `wake` is called (on the engine thread, not under the lock) when the box stops being empty; it
  // must only post.
  Mailbox(size_t sequences, std::function<void()> wake);

  // The sink of sequence `index`; keeps the mailbox alive.
  std::shared_ptr<engine::EventSink> sink(size_t index);

  // Everything that came since the last call, by sequence, each at most once. One thread at a time.
  std::vector<std::pair<size_t, engine::Event>> take();

  // No more wakes; the connection is gone.
  void close();

 private:
  class Sink;
  void put(size_t index, engine::Event event);

  std::mutex mutex_;
  std::function<void()> wake_;                             // guarded by mutex_; empty once closed
  std::vector<std::pair<size_t, engine::Event>> pending_;  // guarded by mutex_
  std::vector<int> slot_;  // guarded by mutex_; sequence -> index in pending_, or -1
};

}  // namespace chasqui::api
