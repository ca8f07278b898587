// POST /v1/embeddings
#include <fmt/format.h>

#include <boost/json.hpp>
#include <mutex>

#include "api/internal/answer_error.h"
#include "api/internal/handlers.h"
#include "api/internal/mailbox.h"
#include "api/internal/plan.h"
#include "api/internal/vector_text.h"

namespace chasqui::api {
namespace {

// Inputs of one request that wait in the engine at once: enough to fill its batches, few enough to
// leave room in its queue (512) for others.
constexpr size_t kWindow = 64;

// One request: keeps kWindow inputs in the engine until all are done. Lives like Generation.
class Embedding : public std::enable_shared_from_this<Embedding> {
 public:
  static void start(const TaskSink& deliver, const ServedModel& model, ExchangePtr exchange,
                    Plan plan, const EmbeddingBody& body) {
    const std::shared_ptr<Embedding> self(
        new Embedding(model, std::move(exchange), std::move(plan), body));
    const auto pump = [self, deliver] { deliver([self] { self->pump(); }); };
    self->mailbox_ = std::make_shared<Mailbox>(self->requests_.size(), 1, pump);
    self->exchange_->on_disconnect([weak = self->weak_from_this()] {
      if (const auto living = weak.lock()) living->cancel();
    });
    pump();  // submitting belongs to the delivery thread
  }

 private:
  Embedding(const ServedModel& model, ExchangePtr exchange, Plan plan, const EmbeddingBody& body)
      : engine_(model.engine),
        exchange_(std::move(exchange)),
        model_(body.model.value_or(model.id)),
        base64_(body.base64),
        keep_(static_cast<size_t>(body.dimensions.value_or(model.hidden_size))),
        requests_(std::move(plan.requests)),
        items_(requests_.size()) {
    for (const engine::Request& request : requests_) {
      prompt_tokens_ += static_cast<int64_t>(request.prompt.size());
    }
  }

  void pump() {
    if (ended_) return;
    while (const auto next = mailbox_->take()) {
      const Status taken = take(next->first, next->second);
      if (!taken) return fail_with(taken.error());
    }
    const Status submitted = submit_more();
    if (!submitted) return fail_with(submitted.error());
    if (done_ == items_.size()) finish();
  }

  Status take(size_t index, const engine::Event& event) {
    if (event.error) return fail(*event.error);
    if (!event.finish) return {};
    if (*event.finish == engine::FinishReason::kCancelled) {
      return fail(ErrorCode::kCancelled, "The request was cancelled by the server");
    }
    CHASQUI_TRY(const std::vector<float> vector, unit_vector(event.embedding, keep_));
    items_[index] = base64_ ? vector_base64(vector) : vector_json(vector);
    ++done_;
    return {};
  }

  Status submit_more() {
    const std::shared_ptr<engine::Engine> engine = engine_.lock();
    if (!engine) return {};
    while (submitted_ < requests_.size() && submitted_ - done_ < kWindow) {
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
      ++submitted_;
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
    std::string out = R"({"object":"list","data":[)";
    for (size_t i = 0; i < items_.size(); ++i) {
      if (i > 0) out += ',';
      out += R"({"object":"embedding","embedding":)";
      out += items_[i];
      out += fmt::format(R"(,"index":{}}})", i);
    }
    out += fmt::format(R"(],"model":{},"usage":{{"prompt_tokens":{},"total_tokens":{}}}}})",
                       boost::json::serialize(boost::json::string(model_)), prompt_tokens_,
                       prompt_tokens_);
    http::Response response;
    response.body = std::move(out);
    exchange_->respond(std::move(response));
    mailbox_->close();
  }

  // Constant after construction.
  const std::weak_ptr<engine::Engine> engine_;  // weak as in Generation
  const ExchangePtr exchange_;
  const std::string model_;
  const bool base64_;
  const size_t keep_;
  std::shared_ptr<Mailbox> mailbox_;
  int64_t prompt_tokens_ = 0;

  // Delivery thread only.
  std::vector<engine::Request> requests_;
  std::vector<std::string> items_;  // JSON of each vector, by input
  size_t submitted_ = 0;            // invariant: done_ <= submitted_ <= items_.size()
  size_t done_ = 0;
  bool ended_ = false;

  std::mutex mutex_;
  std::vector<engine::RequestId> ids_;  // guarded by mutex_
  bool cancelled_ = false;              // guarded by mutex_
};

Status work(Service& service, const ExchangePtr& exchange) {
  CHASQUI_TRY(const boost::json::object object, parse_body(exchange->request().body));
  CHASQUI_TRY(const EmbeddingBody body, read_embedding(object));
  CHASQUI_TRY(const ModelContext* const context, service.find(body.model));
  CHASQUI_TRY(Plan plan, plan_embedding(*context, body));
  context->interrupt();
  Embedding::start(service.deliverer(), context->model(), exchange, std::move(plan), body);
  return {};
}

}  // namespace

void handle_embedding(Service& service, ExchangePtr exchange) {
  prepare(service, std::move(exchange), work);
}

}  // namespace chasqui::api
