// GET /v1/models, GET /v1/models/{id}
#include <boost/json.hpp>

#include "api/internal/answer_error.h"
#include "api/internal/handlers.h"

namespace json = boost::json;

namespace chasqui::api {
namespace {

json::object model_json(const ServedModel& model) {
  return {{"id", model.id},
          {"object", "model"},
          {"created", model.created},
          {"owned_by", "me"},
          {"permissions", json::array()}};
}

void respond(http::Exchange& exchange, const json::object& object) {
  http::Response response;
  response.body = json::serialize(object);
  exchange.respond(std::move(response));
}

}  // namespace

void handle_models(Service& service, ExchangePtr exchange) {
  json::array list;
  for (const auto& context : service.models()) list.push_back(model_json(context->model()));
  respond(*exchange, {{"object", "list"}, {"data", std::move(list)}});
}

void handle_model(Service& service, ExchangePtr exchange) {
  const std::string id(exchange->request().param("model"));
  for (const auto& context : service.models()) {
    if (context->model().id == id) return respond(*exchange, model_json(context->model()));
  }
  answer_error(*exchange, {ErrorCode::kNotFound,
                           "The model `" + id.substr(0, 200) + "` does not exist", "model"});
}

}  // namespace chasqui::api
