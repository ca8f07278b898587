// Errors of this room as HTTP answers, on top of http/error.h.
#pragma once

#include <memory>
#include <string>

#include "api/http_metrics.h"
#include "base/result.h"
#include "http/exchange.h"

namespace chasqui::api {

// Answers with the error's status and body; a 503 says when to come back. Errors that are our own
// fault are logged with the request's id, since the client is told a fixed sentence only.
void answer_error(http::Exchange& exchange, const Error& error);

// The JSON text of an error event in a stream; logs likewise, and counts it where there are
// metrics.
std::string error_event(const http::Exchange& exchange, const Error& error, HttpMetrics* metrics);

}  // namespace chasqui::api
