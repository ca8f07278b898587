// The driver of one generating request, from the prepared plan to the last byte of the answer;
// the same for every endpoint, which differ in their AnswerShape.
//
//   engine thread --event--> Mailbox --wake--> delivery thread: pump() --JSON--> Exchange
//
// The first event is there before the head of a stream goes out, so an error in prefill still sets
// the HTTP status; later errors become an error event. A slow client stops pump() from fetching,
// and events merge in the mailbox. A client that goes away cancels every sequence at once.
//
// It keeps itself alive (through the mailbox's wake) until the answer is complete or the client
// is gone.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "api/internal/answer_shape.h"
#include "api/internal/mailbox.h"
#include "api/internal/plan.h"
#include "api/service.h"
#include "http/sse_writer.h"

namespace chasqui::api {

// How the answer is given.
struct GenerationStyle {
  bool stream = false;
  bool include_usage = false;
  size_t shown = 1;  // choices shown for each prompt; of more copies the likeliest
};

// From the engine that computes to the client that asked.
struct Way {
  const Service& service;
  const ModelContext& model;
  std::shared_ptr<http::Exchange> exchange;
};

class Generation : public std::enable_shared_from_this<Generation> {
 public:
  // Submits every sequence of `plan` and returns. Preparation pool.
  static void start(const Way& way, Plan plan, std::unique_ptr<AnswerShape> shape,
                    GenerationStyle style);

 private:
  Generation(const Way& way, const Plan& plan, std::unique_ptr<AnswerShape> shape,
             GenerationStyle style);

  void submit_all(std::vector<engine::Request> requests);
  void cancel();     // any thread
  void interrupt();  // any thread: what is written so far is the answer

  // Delivery thread.
  void pump();
  void take_turn();
  void handle(size_t sequence, engine::Event event);
  void deliver(size_t sequence, const engine::Event& event);
  bool send(std::string chunk);  // false when the client is gone
  void fail_with(const Error& error);
  void finish();
  void respond_whole();  // delivery thread or preparation pool
  void end();
  bool all_done() const { return done_ == results_.size(); }
  engine::Usage usage() const;

  // Constant after construction.
  // Weak: the engine's own thread may be the last to hold this object, and must not end itself.
  const std::weak_ptr<engine::Engine> engine_;
  const std::shared_ptr<http::Exchange> exchange_;
  const std::unique_ptr<AnswerShape> shape_;
  const GenerationStyle style_;
  const size_t copies_;                         // sequences of each prompt
  const int64_t prompt_tokens_;                 // of all prompts, each counted once
  const std::shared_ptr<HttpMetrics> metrics_;  // may be null
  const TaskSink deliver_;                      // to the delivery thread
  const TaskSink resume_;                       // to the preparation pool
  std::shared_ptr<Mailbox> mailbox_;

  // Delivery thread only.
  http::SseWriter sse_;
  bool head_sent_ = false;
  bool ended_ = false;
  size_t done_ = 0;                     // sequences that have finished
  std::vector<bool> opened_;            // by sequence; of streams
  std::vector<engine::Event> results_;  // by sequence; of streams only usage is kept

  std::mutex mutex_;
  std::vector<engine::RequestId> ids_;  // guarded by mutex_
  bool cancelled_ = false;              // guarded by mutex_
  std::atomic<bool> interrupted_ = false;
};

}  // namespace chasqui::api
