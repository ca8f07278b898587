// GET /v1/models, GET /v1/models/{id}
#include <boost/json.hpp>

#include "api/internal/handlers.h"
#include "http/error.h"

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
  respond(*exchange, {{"object", "list"}, {"data", json::array{model_json(service.model())}}});
}

void handle_model(Service& service, ExchangePtr exchange) {
  const std::string_view id = exchange->request().param("model");
  if (id == service.model().id) return respond(*exchange, model_json(service.model()));
  http::ErrorInfo error;
  error.status = 404;
  error.message = "The model `" + std::string(id.substr(0, 200)) + "` does not exist";
  error.param = "model";
  error.code = "model_not_found";
  exchange->respond(http::error_response(error));
}

}  // namespace chasqui::api
