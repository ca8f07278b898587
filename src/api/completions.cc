// POST /v1/completions
#include "api/internal/completion_shape.h"
#include "api/internal/generation.h"
#include "api/internal/handlers.h"

namespace chasqui::api {
namespace {

Status work(Service& service, const ExchangePtr& exchange) {
  CHASQUI_TRY(const boost::json::object object, parse_body(exchange->request().body));
  CHASQUI_TRY(const CompletionBody body, read_completion(object));
  CHASQUI_TRY(const ModelContext* const context, service.find(body.model));
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
  prepare(service, std::move(exchange), work);
}

}  // namespace chasqui::api
