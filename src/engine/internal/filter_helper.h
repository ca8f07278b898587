// Prepares token filters while the model runs: a thread of its own, which takes them in the order
// in which they were posted. Whatever it has not done when the filter is needed, the filter does
// itself, so that results never depend on this thread.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "sample/token_filter.h"

namespace chasqui::engine {

class FilterHelper {
 public:
  FilterHelper() : thread_([this] { run(); }) {}
  // Waits for the filter that is being prepared; drops the others.
  ~FilterHelper();
  FilterHelper(const FilterHelper&) = delete;
  FilterHelper& operator=(const FilterHelper&) = delete;

  // Never waits for the thread's work. Filters that need nothing are passed over, and so are those
  // that nobody else holds any more when their turn comes: their sequence has ended. Any thread.
  void post(const std::shared_ptr<sample::TokenFilter>& filter);

  // The same for the places to which the tokens of `draft` lead as well, tried on a fork. Filters
  // share what they compute (a grammar remembers its masks), so it is there when the draft is
  // verified. Engine thread only.
  void post(const std::shared_ptr<sample::TokenFilter>& filter, std::span<const int32_t> draft);

 private:
  struct Entry {
    std::shared_ptr<sample::TokenFilter> filter;
    std::shared_ptr<sample::TokenFilter> fork;  // null: only `filter` itself is prepared
    std::vector<int32_t> draft;
  };

  void push(Entry entry);
  void run();
  static void prepare(Entry& entry);

  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  std::deque<Entry> queue_;
  bool stopping_ = false;

  std::thread thread_;  // last: it uses everything above
};

}  // namespace chasqui::engine
