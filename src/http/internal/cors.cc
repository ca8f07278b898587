#include "http/internal/cors.h"

#include <algorithm>

#include "http/error.h"

namespace chasqui::http {
namespace {

constexpr std::string_view kRequestMethod = "Access-Control-Request-Method";

bool has(const std::vector<std::string>& origins, std::string_view origin) {
  return std::find(origins.begin(), origins.end(), origin) != origins.end();
}

}  // namespace

void add_cors_fields(const std::vector<std::string>& origins, const Headers& request,
                     Headers& response) {
  const auto origin = request.find("Origin");
  if (!origin) return;
  const bool all = has(origins, "*");
  if (!all && !has(origins, *origin)) return;
  // Browsers refuse '*' together with credentials, so a request with a cookie gets its origin
  // echoed, and so does a preflight, which announces one; then caches must know that the answer
  // depends on it.
  const bool echo = !all || request.contains("Cookie") || request.contains(kRequestMethod);
  response.add("Access-Control-Allow-Origin", echo ? std::string(*origin) : "*");
  response.add("Access-Control-Allow-Credentials", "true");
  if (echo) response.add("Vary", "Origin");
}

std::optional<Response> preflight_response(const std::vector<std::string>& origins,
                                           std::string_view method, const Headers& request) {
  const auto origin = request.find("Origin");
  const bool asks = request.contains(kRequestMethod);
  if (method != "OPTIONS" || !origin || !asks || origins.empty()) return std::nullopt;
  if (!has(origins, "*") && !has(origins, *origin)) {
    return error_response({.status = 400, .message = "This origin is not allowed (CORS)."});
  }
  Response response;
  response.content_type = "text/plain; charset=utf-8";
  response.body = "OK";
  response.headers = {
      {"Access-Control-Allow-Methods", "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"},
      {"Access-Control-Max-Age", "600"},
  };
  if (const auto headers = request.find("Access-Control-Request-Headers")) {
    response.headers.add("Access-Control-Allow-Headers", std::string(*headers));
  }
  return response;
}

}  // namespace chasqui::http
