#include "api/service.h"

#include <atomic>
#include <limits>
#include <utility>

#include "api/internal/constraint.h"
#include "api/internal/work_queue.h"
#include "base/check.h"

namespace chasqui::api {

class Service::Impl {
 public:
  Impl(ServedModel model, const ServiceOptions& options)
      : model_(std::move(model)),
        encoder_(model_.tokenizer),
        grammars_(model_.tokenizer),
        preparation_(options.preparation_threads, static_cast<size_t>(options.preparation_queue)),
        delivery_(1, std::numeric_limits<size_t>::max()) {}

  const ServedModel model_;
  const chat::PromptEncoder encoder_;
  GrammarCache grammars_;
  std::atomic<bool> draining_ = false;
  // Last, so that no task runs when the members above go.
  WorkQueue preparation_;
  WorkQueue delivery_;
};

Service::Service(ServedModel model, ServiceOptions options) {
  CHASQUI_CHECK(model.engine && model.tokenizer && model.chat_format, "a model without a part");
  impl_ = std::make_unique<Impl>(std::move(model), options);
}

Service::~Service() = default;

const ServedModel& Service::model() const {
  return impl_->model_;
}

const chat::PromptEncoder& Service::encoder() const {
  return impl_->encoder_;
}

GrammarCache& Service::grammars() const {
  return impl_->grammars_;
}

bool Service::prepare(Task task) {
  return impl_->preparation_.try_push(std::move(task));
}

TaskSink Service::deliverer() const {
  return [queue = impl_->delivery_.handle()](Task task) { queue.push(std::move(task)); };
}

TaskSink Service::resumer() const {
  return [queue = impl_->preparation_.handle()](Task task) { queue.push(std::move(task)); };
}

void Service::drain() {
  impl_->draining_ = true;
  impl_->model_.engine->drain();
}

void Service::stop() {
  drain();
  impl_->model_.engine->stop();
}

bool Service::draining() const {
  return impl_->draining_;
}

}  // namespace chasqui::api
