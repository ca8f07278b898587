#include "api/internal/generation.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <numeric>

#include "api/internal/answer_error.h"
#include "api/internal/running_streams.h"

namespace chasqui::api {
namespace {

// Events that one request may handle before others have their turn on the delivery thread.
constexpr int kTurn = 64;

int64_t count_prompt_tokens(const Plan& plan) {
  int64_t total = 0;
  for (const PlannedPrompt& prompt : plan.prompts) {
    total += static_cast<int64_t>(prompt.tokens.size());
  }
  return total;
}

// Mean log-probability of the answer's tokens, by which best_of chooses: a sum would favour short
// answers. Entries of an echoed prompt come first and do not count.
double likelihood(const engine::Event& event) {
  double sum = 0.0;
  int64_t count = 0;
  for (const engine::TokenOutput& output : event.tokens) {
    if (output.of_prompt) continue;
    sum += output.logprob;
    ++count;
  }
  return count == 0 ? -HUGE_VAL : sum / static_cast<double>(count);
}

// Indices of the `shown` likeliest of `results`, ties to the earlier, in their own order.
std::vector<size_t> likeliest(std::span<const engine::Event> results, size_t shown) {
  std::vector<size_t> order(results.size());
  std::iota(order.begin(), order.end(), size_t{0});
  if (shown == results.size()) return order;
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return likelihood(results[a]) > likelihood(results[b]);
  });
  order.resize(shown);
  return order;
}

}  // namespace

void Generation::start(const Way& way, Plan plan, std::unique_ptr<AnswerShape> shape,
                       GenerationStyle style) {
  const std::shared_ptr<Generation> self(new Generation(way, plan, std::move(shape), style));
  const auto wake = [self] { self->deliver_([self] { self->pump(); }); };
  const size_t separate = style.stream ? Mailbox::kSeparate : 1;
  self->mailbox_ = std::make_shared<Mailbox>(plan.requests.size(), separate, wake);
  const std::weak_ptr<Generation> weak = self;
  self->exchange_->on_writable([weak] {
    if (auto living = weak.lock()) living->deliver_([living] { living->pump(); });
  });
  self->exchange_->on_disconnect([weak] {
    if (const auto living = weak.lock()) living->cancel();
  });
  way.model.interrupt();
  self->submit_all(std::move(plan.requests));
  if (!style.stream || !way.model.model().interrupt_streams) return;
  way.model.streams().add([weak] {
    if (const auto living = weak.lock()) living->interrupt();
  });
}

Generation::Generation(const Way& way, const Plan& plan, std::unique_ptr<AnswerShape> shape,
                       GenerationStyle style)
    : engine_(way.model.model().engine),
      exchange_(way.exchange),
      shape_(std::move(shape)),
      style_(style),
      copies_(static_cast<size_t>(plan.copies)),
      prompt_tokens_(count_prompt_tokens(plan)),
      metrics_(way.service.http_metrics()),
      deliver_(way.service.deliverer()),
      resume_(way.service.resumer()),
      sse_(exchange_),
      opened_(plan.requests.size(), false),
      results_(plan.requests.size()) {}

void Generation::submit_all(std::vector<engine::Request> requests) {
  const std::shared_ptr<engine::Engine> engine = engine_.lock();
  if (!engine) return;
  for (size_t i = 0; i < requests.size(); ++i) {
    {
      const std::lock_guard lock(mutex_);
      if (cancelled_) return;
    }
    const std::shared_ptr<engine::EventSink> sink = mailbox_->sink(i);
    requests[i].sink = sink;
    const Result<engine::RequestId> id = engine->submit(std::move(requests[i]));
    if (!id) {
      // Takes the events' way, so that all answering stays on the delivery thread.
      engine::Event refused;
      refused.error = id.error();
      sink->on_event(std::move(refused));
      return;
    }
    const std::lock_guard lock(mutex_);
    ids_.push_back(*id);
    if (cancelled_) engine->cancel(*id);
  }
}

void Generation::cancel() {
  if (const std::shared_ptr<engine::Engine> engine = engine_.lock()) {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
    for (const engine::RequestId id : ids_) engine->cancel(id);
  }
  mailbox_->close();  // lets go of the wake that keeps this alive
}

void Generation::interrupt() {
  interrupted_ = true;
  const std::shared_ptr<engine::Engine> engine = engine_.lock();
  const std::lock_guard lock(mutex_);
  for (const engine::RequestId id : ids_) {
    if (engine) engine->cancel(id);
  }
}

// Memory may run out in the middle of an answer. The exchange then goes with this object, and says
// so to the client; without cancel() the mailbox would keep both for ever.
void Generation::pump() {
  try {
    take_turn();
  } catch (const std::exception& error) {
    spdlog::error("request {} was given up: {}", exchange_->request().request_id, error.what());
    ended_ = true;
    cancel();
  }
}

void Generation::take_turn() {
  for (int handled = 0; handled < kTurn; ++handled) {
    // What a slow client leaves in the mailbox merges there; on_writable comes back for it.
    if (ended_ || (head_sent_ && !sse_.writable())) return;
    auto next = mailbox_->take();
    if (!next) return;
    handle(next->first, std::move(next->second));
  }
  deliver_([self = shared_from_this()] { self->pump(); });
}

void Generation::handle(size_t sequence, engine::Event event) {
  if (event.error) return fail_with(*event.error);
  if (event.finish == engine::FinishReason::kCancelled) {
    if (interrupted_) event.finish = engine::FinishReason::kLength;  // cut, as by max_tokens
  }
  if (event.finish == engine::FinishReason::kCancelled) {
    return fail_with({ErrorCode::kCancelled, "The request was cancelled by the server", ""});
  }
  const bool last = event.finish.has_value();
  if (style_.stream) {
    deliver(sequence, event);
    results_[sequence].usage = event.usage;
  } else {
    merge_event(results_[sequence], std::move(event));
  }
  done_ += last ? 1 : 0;
  if (!ended_ && all_done()) finish();
}

void Generation::deliver(size_t sequence, const engine::Event& event) {
  if (!head_sent_) {
    head_sent_ = true;
    sse_.start();
  }
  Chunks chunks;
  const size_t choice = sequence;  // streams show every copy: best_of > n is refused for them
  if (!opened_[sequence]) {
    opened_[sequence] = true;
    shape_->open(choice, chunks);
  }
  shape_->delta(choice, event, chunks);
  if (event.finish) shape_->close(choice, *event.finish, chunks);
  for (const std::string& chunk : chunks) {
    if (!send(chunk)) {
      cancel();
      return end();
    }
  }
}

bool Generation::send(std::string chunk) {
  return sse_.send(ascii_json(std::move(chunk)));
}

void Generation::fail_with(const Error& error) {
  if (head_sent_) {
    send(error_event(*exchange_, error, metrics_.get()));
    sse_.done();
  } else {
    answer_error(*exchange_, error);
  }
  cancel();  // the sequences that still run
  end();
}

void Generation::finish() {
  if (style_.stream) {
    if (style_.include_usage) send(shape_->usage_chunk(usage()));
    sse_.done();
  } else if (results_.front().tokens.empty()) {
    respond_whole();
  } else {
    // Log-probabilities make long JSON; other streams should not wait for it. Nothing touches the
    // results any more.
    resume_([self = shared_from_this()] { self->respond_whole(); });
  }
  end();
}

void Generation::respond_whole() {
  std::vector<engine::Event> choices;
  for (size_t first = 0; first < results_.size(); first += copies_) {
    const std::span<const engine::Event> copies = std::span(results_).subspan(first, copies_);
    for (const size_t copy : likeliest(copies, style_.shown)) {
      choices.push_back(copies[copy]);
    }
  }
  http::Response response;
  response.body = shape_->whole(choices, usage());
  exchange_->respond(std::move(response));
}

void Generation::end() {
  ended_ = true;
  mailbox_->close();
}

engine::Usage Generation::usage() const {
  engine::Usage total;
  total.prompt_tokens = prompt_tokens_;
  for (const engine::Event& result : results_) {
    total.completion_tokens += result.usage.completion_tokens;
    total.drafted_tokens += result.usage.drafted_tokens;
    total.accepted_tokens += result.usage.accepted_tokens;
  }
  // Of the copies of a prompt all but one find what that one has computed: it tells what was there
  // before the request.
  for (size_t first = 0; first < results_.size(); first += copies_) {
    int64_t cached = results_[first].usage.cached_prompt_tokens;
    for (size_t copy = 1; copy < copies_; ++copy) {
      cached = std::min(cached, results_[first + copy].usage.cached_prompt_tokens);
    }
    total.cached_prompt_tokens += cached;
  }
  return total;
}

}  // namespace chasqui::api
