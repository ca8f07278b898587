// What the endpoints' files offer to the list in endpoints.cc, and what they share.
#pragma once

#include <functional>
#include <memory>

#include "api/service.h"
#include "http/exchange.h"

namespace chasqui::api {

using ExchangePtr = std::shared_ptr<http::Exchange>;

void handle_engine_completion(Service& service, ExchangePtr exchange);
void handle_completion(Service& service, ExchangePtr exchange);
void handle_chat(Service& service, ExchangePtr exchange);
void handle_embedding(Service& service, ExchangePtr exchange);
void handle_rerank(Service& service, ExchangePtr exchange);
void handle_models(Service& service, ExchangePtr exchange);
void handle_model(Service& service, ExchangePtr exchange);
void handle_health(Service& service, ExchangePtr exchange);
void handle_ready(Service& service, ExchangePtr exchange);
void handle_metrics(Service& service, ExchangePtr exchange);
void handle_tokenize(Service& service, ExchangePtr exchange);
void handle_token_count(Service& service, ExchangePtr exchange);
void handle_detokenize(Service& service, ExchangePtr exchange);
void handle_openapi(Service& service, ExchangePtr exchange);
void handle_docs(Service& service, ExchangePtr exchange);
void handle_docs_file(Service& service, ExchangePtr exchange);
void handle_oauth2_redirect(Service& service, ExchangePtr exchange);
void handle_redoc(Service& service, ExchangePtr exchange);

// Runs `work` on the preparation pool and answers with its error, if it has one; answers 503 when
// the pool's queue is full or the service drains. `work` answers for itself on success.
void prepare(Service& service, ExchangePtr exchange,
             Status (*work)(Service& service, const ExchangePtr& exchange));

}  // namespace chasqui::api
