// GET /health and /ready: answer on the I/O thread, whatever the engine does. 503 while draining, so
// that a load balancer sends nothing more.
#include "api/internal/handlers.h"

namespace chasqui::api {
namespace {

void answer_state(const Service& service, http::Exchange& exchange, const char* well) {
  const bool draining = service.draining();
  http::Response response;
  response.status = draining ? 503 : 200;
  response.body = draining ? R"({"status":"draining"})" : well;
  exchange.respond(std::move(response));
}

}  // namespace

void handle_health(Service& service, ExchangePtr exchange) {
  answer_state(service, *exchange, R"({"status":"ok"})");
}

// Models are loaded before the port is open, so that there is nothing else to wait for.
void handle_ready(Service& service, ExchangePtr exchange) {
  answer_state(service, *exchange, R"({"status":"ready"})");
}

}  // namespace chasqui::api
