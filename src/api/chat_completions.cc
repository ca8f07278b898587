// POST /v1/chat/completions
#include "api/internal/chat_shape.h"
#include "api/internal/generation.h"
#include "api/internal/handlers.h"

namespace chasqui::api {
namespace {

Status work(Service& service, const ExchangePtr& exchange) {
  CHASQUI_TRY(const boost::json::object object, parse_body(exchange->request().body));
  CHASQUI_TRY(const ChatBody body, read_chat(object));
  CHASQUI_TRY(const ModelContext* const context, service.find(body.model));
  CHASQUI_TRY(Plan plan, plan_chat(*context, body));
  const ServedModel& model = context->model();
  const AnswerHead head = {"chatcmpl-" + make_uuid(), unix_seconds(),
                           body.model.value_or(model.id)};
  auto shape = std::make_unique<ChatShape>(
      head, ChatStyle{body.logprobs, body.tools.old_style, plan.output}, model.tokenizer);
  Generation::start({service, *context, exchange}, std::move(plan), std::move(shape),
                    {body.stream, body.include_usage, static_cast<size_t>(body.n)});
  return {};
}

}  // namespace

void handle_chat(Service& service, ExchangePtr exchange) {
  prepare(service, std::move(exchange), work);
}

}  // namespace chasqui::api
