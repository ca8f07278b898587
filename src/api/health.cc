// GET /health: answers on the I/O thread, whatever the engine does. 503 while draining, so that a
// load balancer sends nothing more.
#include "api/internal/handlers.h"

namespace chasqui::api {

void handle_health(Service& service, ExchangePtr exchange) {
  http::Response response;
  response.status = service.draining() ? 503 : 200;
  response.body = service.draining() ? R"({"status":"draining"})" : R"({"status":"ok"})";
  exchange->respond(std::move(response));
}

}  // namespace chasqui::api
