#include "api/internal/answer_error.h"

#include <spdlog/spdlog.h>

#include "http/error.h"

namespace chasqui::api {
namespace {

// A queue that is full now has usually moved on after a few answers.
constexpr const char* kRetryAfterSeconds = "2";

http::ErrorInfo info_of(const http::Exchange& exchange, const Error& error) {
  http::ErrorInfo info = http::error_info(error);
  if (error.code == ErrorCode::kNotFound && error.param == "model") info.code = "model_not_found";
  if (info.status == 500) {
    spdlog::error("request {}: {}: {}", exchange.request().request_id, error_code_name(error.code),
                  error.message);
  }
  return info;
}

}  // namespace

void answer_error(http::Exchange& exchange, const Error& error) {
  const http::ErrorInfo info = info_of(exchange, error);
  http::Response response = http::error_response(info);
  if (info.status == 503) response.headers.set("Retry-After", kRetryAfterSeconds);
  exchange.respond(std::move(response));
}

std::string error_event(const http::Exchange& exchange, const Error& error, HttpMetrics* metrics) {
  http::Response response = http::error_response(info_of(exchange, error));
  if (metrics != nullptr) metrics->count_error(response.error);
  return std::move(response.body);
}

}  // namespace chasqui::api
