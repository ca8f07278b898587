// The list of endpoints. To add one: its file, its handler in internal/handlers.h, its row here;
// one of openapi_operations.cc when it is listed.
#include <array>

#include "api/internal/answer_error.h"
#include "api/internal/handlers.h"

namespace chasqui::api {
namespace {

constexpr std::array<Endpoint, 20> kEndpoints = {{
    {"POST", "/v1/completions", "Completion", true, handle_completion},
    {"POST", "/v1/engines/copilot-codex/completions", "Completion", false,
     handle_engine_completion},
    {"POST", "/v1/embeddings", "Embedding", true, handle_embedding},
    {"POST", "/v1/rerank", "Rerank", true, handle_rerank},
    {"POST", "/rerank", "Rerank", false, handle_rerank},
    {"POST", "/v1/chat/completions", "Chat", true, handle_chat},
    {"GET", "/v1/models", "Models", true, handle_models},
    {"GET", "/v1/models/{model...}", "Model", true, handle_model},
    {"POST", "/extras/tokenize", "Tokenize", true, handle_tokenize},
    {"POST", "/extras/tokenize/count", "Count tokens", true, handle_token_count},
    {"POST", "/extras/detokenize", "Detokenize", true, handle_detokenize},
    {"GET", "/health", "Health", true, handle_health},
    {"GET", "/healthz", "Health", false, handle_health},
    {"GET", "/ready", "Readiness", true, handle_ready},
    {"GET", "/metrics", "Metrics", true, handle_metrics},
    {"GET", "/openapi.json", "API description", true, handle_openapi},
    {"GET", "/docs", "API pages", false, handle_docs},
    {"GET", "/docs/oauth2-redirect", "API pages", false, handle_oauth2_redirect},
    {"GET", "/docs/{file}", "API pages", false, handle_docs_file},
    {"GET", "/redoc", "API pages", false, handle_redoc},
}};

}  // namespace

std::span<const Endpoint> endpoints() {
  return kEndpoints;
}

Status register_endpoints(http::Router& router, Service& service) {
  for (const Endpoint& endpoint : kEndpoints) {
    http::Route route;
    route.method = endpoint.method;
    route.pattern = endpoint.pattern;
    route.handler = [&service, handle = endpoint.handle](ExchangePtr exchange) {
      handle(service, std::move(exchange));
    };
    CHASQUI_TRY_STATUS(router.add(std::move(route)));
  }
  return {};
}

void prepare(Service& service, ExchangePtr exchange,
             Status (*work)(Service& service, const ExchangePtr& exchange)) {
  if (service.draining()) {
    return answer_error(*exchange, {ErrorCode::kCancelled, "The server is shutting down", ""});
  }
  const bool queued = service.prepare([&service, exchange, work] {
    if (exchange->disconnected()) return;
    if (const Status status = work(service, exchange); !status) {
      answer_error(*exchange, status.error());
    }
  });
  if (!queued) {
    answer_error(*exchange, {ErrorCode::kResourceExhausted,
                             "Too many requests are waiting; try again later", ""});
  }
}

}  // namespace chasqui::api
