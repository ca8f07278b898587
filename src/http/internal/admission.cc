#include "http/internal/admission.h"

#include <fmt/format.h>

#include <algorithm>

#include "http/error.h"
#include "http/internal/cors.h"
#include "http/internal/request_id.h"

namespace chasqui::http {
namespace {

// "[::1]:8000" -> "[::1]", "localhost:8000" -> "localhost".
std::string_view host_without_port(std::string_view host) {
  if (host.starts_with('[')) return host.substr(0, host.find(']') + 1);
  return host.substr(0, host.find(':'));
}

std::optional<Response> check_host(const Headers& headers, const ServerOptions& options) {
  const auto field = headers.find("Host");
  if (!field) return std::nullopt;  // HTTP/1.0, which no browser speaks
  const std::string_view host = host_without_port(*field);
  const auto same = [host](std::string_view name) { return equal_ignoring_case(host, name); };
  if (same("localhost") || same("127.0.0.1") || same("[::1]") || same(options.host)) {
    return std::nullopt;
  }
  if (std::any_of(options.host_names.begin(), options.host_names.end(), same)) return std::nullopt;
  return error_response(
      {.status = 403,
       .message = fmt::format(
           "This server answers local names only, not '{}' (settings check_host, host_names).",
           *field),
       .code = "host_not_allowed"});
}

// "application/json; charset=utf-8", "application/problem+json".
bool is_json(std::string_view content_type) {
  content_type = content_type.substr(0, content_type.find(';'));
  while (content_type.ends_with(' ') || content_type.ends_with('\t')) content_type.remove_suffix(1);
  if (equal_ignoring_case(content_type, "application/json")) return true;
  constexpr std::string_view kSuffix = "+json";
  return content_type.size() > kSuffix.size() &&
         equal_ignoring_case(content_type.substr(content_type.size() - kSuffix.size()), kSuffix);
}

// The path without options.root_path, which some proxies leave in place and others take off.
std::string_view below_root(std::string_view path, std::string_view root) {
  while (root.ends_with('/')) root.remove_suffix(1);
  if (root.empty() || !path.starts_with(root)) return path;
  const std::string_view rest = path.substr(root.size());
  return rest.starts_with('/') ? rest : path;
}

Response unknown_path(const Request& request) {
  return error_response(
      {.status = 404,
       .message = fmt::format("Unknown request URL: {} {}.", request.method, request.path),
       .code = "unknown_url"});
}

Response wrong_method(const Request& request, const std::string& allow) {
  Response response =
      error_response({.status = 405,
                      .message = fmt::format("{} is not allowed here; {} allows {}.",
                                             request.method, request.path, allow),
                      .code = "method_not_allowed"});
  response.headers.add("Allow", allow);
  return response;
}

Response allowed_methods(const std::string& allow) {
  Response response;
  response.status = 204;
  response.content_type = "";
  response.headers.add("Allow", allow);
  return response;
}

// The request id goes into every answer, so it is settled first, and a bad one is replaced.
std::optional<Response> settle_request_id(Request& request) {
  const auto given = request.headers.find("X-Request-ID");
  if (given && is_uuid(*given)) {
    request.request_id = *given;
    return std::nullopt;
  }
  request.request_id = random_uuid_hex();
  if (!given) return std::nullopt;
  return error_response({.status = 400,
                         .message = "X-Request-ID must be a UUID (with or without hyphens).",
                         .param = "X-Request-ID"});
}

std::optional<Response> check_body(const RequestHead& head, const Admission& admission) {
  if (!head.has_body) return std::nullopt;
  const auto type = head.headers.find("Content-Type");
  if (admission.route->json_only && type && !is_json(*type)) {
    return error_response(
        {.status = 415,
         .message = fmt::format("The Content-Type must be application/json, not '{}'.", *type)});
  }
  const auto coding = head.headers.find("Content-Encoding");
  if (coding && !equal_ignoring_case(*coding, "identity")) {
    return error_response({.status = 415,
                           .message = fmt::format("The Content-Encoding '{}' is not supported; "
                                                  "send the body as it is.",
                                                  *coding)});
  }
  if (head.content_length && *head.content_length > admission.max_body_bytes) {
    return error_response({.status = 413,
                           .message = fmt::format("The request body has {} bytes; {} are allowed.",
                                                  *head.content_length, admission.max_body_bytes)});
  }
  return std::nullopt;
}

// Finds the row for the request, or the answer that says why there is none.
std::optional<Response> find_route(std::string_view raw_path, const Router& router,
                                   Admission& admission) {
  Request& request = admission.request;
  const auto decoded = percent_decode(raw_path);
  if (!decoded) {
    return error_response(
        {.status = 400, .message = "The path has a '%' that two hex digits do not follow."});
  }
  request.path = *decoded;
  if (raw_path == "*") return allowed_methods("GET, HEAD, OPTIONS, POST");
  Router::Match match = router.match(request.method, raw_path);
  if (match.allow.empty()) return unknown_path(request);
  if (!match.route && request.method == "OPTIONS") return allowed_methods(match.allow);
  if (!match.route) return wrong_method(request, match.allow);
  admission.route = match.route;
  request.params = std::move(match.params);
  return std::nullopt;
}

}  // namespace

Admission admit(const RequestHead& head, const ServerOptions& options, const Router& router,
                bool loopback_only) {
  Admission admission;
  Request& request = admission.request;
  request.method = head.method;
  request.query = head.query;
  request.headers = head.headers;

  const std::string_view raw_path = below_root(head.raw_path, options.root_path);
  admission.answer = settle_request_id(request);
  if (!admission.answer && loopback_only && options.check_host) {
    admission.answer = check_host(head.headers, options);
  }
  if (!admission.answer) {
    admission.answer = preflight_response(options.cors_origins, head.method, head.headers);
  }
  if (!admission.answer) admission.answer = find_route(raw_path, router, admission);
  if (admission.answer) return admission;

  const size_t own_limit = admission.route->max_body_bytes;
  admission.max_body_bytes = own_limit ? own_limit : options.max_body_bytes;
  admission.answer = router.guard(request);
  if (!admission.answer) admission.answer = check_body(head, admission);
  return admission;
}

}  // namespace chasqui::http
