// POST /v1/completions, and its older address that names an engine.
#include <algorithm>

#include "api/internal/completion_shape.h"
#include "api/internal/generation.h"
#include "api/internal/handlers.h"

namespace chasqui::api {
namespace {

// What the path of the older address names, as if it were a model's.
constexpr const char* kEngine = "copilot-codex";

// `engine`: the model to take where there is one of that name, whatever the body says.
Status complete(Service& service, const ExchangePtr& exchange, std::string_view engine) {
  CHASQUI_TRY(const boost::json::object object, parse_body(exchange->request().body));
  CHASQUI_TRY(const CompletionBody body, read_completion(object));
  const bool serves_engine = std::ranges::any_of(
      service.models(), [engine](const auto& context) { return context->model().id == engine; });
  CHASQUI_TRY(const ModelContext* const context,
              service.find(serves_engine ? std::string(engine) : body.model));
  CHASQUI_TRY(Plan plan, plan_completion(*context, body));
  const ServedModel& model = context->model();
  const AnswerHead head = {"cmpl-" + make_uuid(), unix_seconds(), body.model.value_or(model.id)};
  const CompletionStyle style = {body.echo, body.logprobs.has_value(),
                                 plan.infills ? "" : body.suffix};
  const auto shown = static_cast<size_t>(body.n);
  auto shape = std::make_unique<CompletionShape>(head, style, plan.prompts, shown, model.tokenizer);
  Generation::start({service, *context, exchange}, std::move(plan), std::move(shape),
                    {body.stream, body.include_usage, shown});
  return {};
}

}  // namespace

void handle_completion(Service& service, ExchangePtr exchange) {
  prepare(service, std::move(exchange),
          [](Service& served, const ExchangePtr& asked) { return complete(served, asked, ""); });
}

void handle_engine_completion(Service& service, ExchangePtr exchange) {
  prepare(service, std::move(exchange), [](Service& served, const ExchangePtr& asked) {
    return complete(served, asked, kEngine);
  });
}

}  // namespace chasqui::api
