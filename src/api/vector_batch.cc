#include "api/internal/vector_batch.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <utility>

#include "api/internal/answer_error.h"
#include "api/internal/mailbox.h"

namespace chasqui::api {
namespace {

// Lives like Generation: its sinks and the connection hold it.
class VectorBatch : public std::enable_shared_from_this<VectorBatch> {
 public:
  VectorBatch(const ServedModel& model, ExchangePtr exchange, std::vector<engine::Request> requests,
              std::unique_ptr<VectorAnswer> answer)
      : engine_(model.engine),
        exchange_(std::move(exchange)),
        window_(window_of(model.engine->options())),
        answer_(std::move(answer)),
        requests_(std::move(requests)) {}

  void start(const TaskSink& deliver) {
    const auto pump = [self = shared_from_this(), deliver] { deliver([self] { self->pump(); }); };
    mailbox_ = std::make_shared<Mailbox>(requests_.size(), 1, pump);
    exchange_->on_disconnect([weak = weak_from_this()] {
      if (const auto living = weak.lock()) living->cancel();
    });
    pump();  // submitting belongs to the delivery thread
  }

 private:
  // Inputs in the engine at once: as many as a step can hold and as many again, which are there
  // when it ends; but no more than half of the queue, which others need too.
  static size_t window_of(const engine::EngineOptions& options) {
    const int64_t ahead = std::min(options.max_sequences, options.max_queue / 2);
    return static_cast<size_t>(options.max_sequences + ahead);
  }

  // The engine gets its next inputs before anything is made of the last ones.
  void pump() {
    if (ended_) return;
    Status status = submit_more();
    while (status) {
      const auto next = mailbox_->take();
      if (!next) break;
      status = take(next->first, next->second);
      if (status) status = submit_more();
    }
    if (!status) return fail_with(status.error());
    if (done_ == requests_.size()) finish();
  }

  Status take(size_t index, const engine::Event& event) {
    if (event.error) return fail(*event.error);
    if (!event.finish) return {};
    if (*event.finish == engine::FinishReason::kCancelled) {
      return fail(ErrorCode::kCancelled, "The request was cancelled by the server");
    }
    ++done_;
    return answer_->take(index, event.embedding);
  }

  Status submit_more() {
    const std::shared_ptr<engine::Engine> engine = engine_.lock();
    if (!engine) return {};
    while (submitted_ < requests_.size() && submitted_ - done_ < window_) {
      const std::lock_guard lock(mutex_);
      if (cancelled_) return {};
      engine::Request request = requests_[submitted_];
      request.sink = mailbox_->sink(submitted_);
      const Result<engine::RequestId> id = engine->submit(std::move(request));
      if (!id) {
        // A full queue: the next of our own answers will bring us back here.
        const bool later = id.error().code == ErrorCode::kResourceExhausted && submitted_ > done_;
        return later ? Status() : fail(id.error());
      }
      ids_.push_back(*id);
      requests_[submitted_++].prompt = {};
    }
    return {};
  }

  void cancel() {
    if (const std::shared_ptr<engine::Engine> engine = engine_.lock()) {
      const std::lock_guard lock(mutex_);
      cancelled_ = true;
      for (const engine::RequestId id : ids_) engine->cancel(id);
    }
    mailbox_->close();
  }

  void fail_with(const Error& error) {
    ended_ = true;
    answer_error(*exchange_, error);
    cancel();
  }

  void finish() {
    ended_ = true;
    http::Response response;
    response.body = answer_->body();
    exchange_->respond(std::move(response));
    mailbox_->close();
  }

  // Constant after start().
  const std::weak_ptr<engine::Engine> engine_;  // weak as in Generation
  const ExchangePtr exchange_;
  const size_t window_;
  std::shared_ptr<Mailbox> mailbox_;

  // Delivery thread only.
  const std::unique_ptr<VectorAnswer> answer_;
  std::vector<engine::Request> requests_;  // without their prompts once submitted
  size_t submitted_ = 0;                   // INVARIANT: done_ <= submitted_ <= requests_.size()
  size_t done_ = 0;
  bool ended_ = false;

  std::mutex mutex_;
  std::vector<engine::RequestId> ids_;  // guarded by mutex_
  bool cancelled_ = false;              // guarded by mutex_
};

}  // namespace

void run_vectors(const TaskSink& deliver, const ServedModel& model, ExchangePtr exchange,
                 std::vector<engine::Request> requests, std::unique_ptr<VectorAnswer> answer) {
  std::make_shared<VectorBatch>(model, std::move(exchange), std::move(requests), std::move(answer))
      ->start(deliver);
}

int64_t count_tokens(std::span<const engine::Request> requests) {
  int64_t tokens = 0;
  for (const engine::Request& request : requests) {
    tokens += static_cast<int64_t>(request.prompt.size());
  }
  return tokens;
}

std::string vector_usage(int64_t prompt_tokens) {
  return fmt::format(R"({{"prompt_tokens":{0},"total_tokens":{0}}})", prompt_tokens);
}

}  // namespace chasqui::api
