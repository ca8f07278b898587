#include "api/service.h"

#include <atomic>
#include <limits>
#include <utility>

#include "api/internal/constraint.h"
#include "api/internal/openapi.h"
#include "api/internal/running_streams.h"
#include "api/internal/work_queue.h"
#include "base/check.h"

namespace chasqui::api {

namespace {

std::string names_of(std::span<const std::unique_ptr<const ModelContext>> models) {
  std::string names;
  for (const auto& context : models) {
    names += (names.empty() ? "`" : ", `") + context->model().id + "`";
  }
  return names;
}

}  // namespace

ModelContext::ModelContext(ServedModel model)
    : model_(std::move(model)),
      encoder_(model_.tokenizer),
      grammars_(std::make_unique<GrammarCache>(model_.tokenizer)),
      streams_(std::make_unique<RunningStreams>()) {}

ModelContext::~ModelContext() = default;

void ModelContext::interrupt() const {
  if (model_.interrupt_streams) streams_->end_all();
}

class Service::Impl {
 public:
  explicit Impl(const ServiceOptions& options)
      : openapi_(boost::json::serialize(openapi_document(options.root_path, options.needs_key))),
        http_metrics_(options.http_metrics),
        preparation_(options.preparation_threads, static_cast<size_t>(options.preparation_queue)),
        delivery_(1, std::numeric_limits<size_t>::max()) {}

  const std::string openapi_;
  const std::shared_ptr<HttpMetrics> http_metrics_;
  std::vector<std::unique_ptr<const ModelContext>> models_;  // constant once the Service stands
  std::atomic<bool> draining_ = false;
  // Last, so that no task runs when the members above go.
  WorkQueue preparation_;
  WorkQueue delivery_;
};

Service::Service(std::vector<ServedModel> models, ServiceOptions options)
    : impl_(std::make_unique<Impl>(options)) {
  CHASQUI_CHECK(!models.empty(), "a service without a model");
  for (ServedModel& model : models) {
    CHASQUI_CHECK(model.engine && model.tokenizer && model.chat_format, "a model without a part");
    impl_->models_.push_back(std::make_unique<const ModelContext>(std::move(model)));
  }
}

Service::~Service() = default;

std::span<const std::unique_ptr<const ModelContext>> Service::models() const {
  return impl_->models_;
}

Result<const ModelContext*> Service::find(const std::optional<std::string>& name) const {
  const auto& models = impl_->models_;
  if (models.size() == 1 || !name) return models.front().get();
  for (const auto& context : models) {
    if (context->model().id == *name) return context.get();
  }
  return fail(
      ErrorCode::kNotFound,
      "The model `" + name->substr(0, 200) + "` does not exist; there are " + names_of(models),
      "model");
}

const std::string& Service::openapi() const {
  return impl_->openapi_;
}

const std::shared_ptr<HttpMetrics>& Service::http_metrics() const {
  return impl_->http_metrics_;
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
  for (const auto& context : impl_->models_) context->model().engine->drain();
}

void Service::stop() {
  drain();
  for (const auto& context : impl_->models_) context->model().engine->stop();
}

bool Service::draining() const {
  return impl_->draining_;
}

}  // namespace chasqui::api
