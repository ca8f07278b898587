#include "api/api_key.h"

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "http/error.h"
#include "http/message.h"

namespace chasqui::api {
namespace {

constexpr std::string_view kScheme = "Bearer ";

// Takes as long for a key that is nearly right as for any other of its length.
bool equal_in_constant_time(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  uint8_t difference = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    difference = static_cast<uint8_t>(difference |
                                      (static_cast<uint8_t>(a[i]) ^ static_cast<uint8_t>(b[i])));
  }
  return difference == 0;
}

bool brings(const http::Request& request, std::string_view key) {
  const auto field = request.headers.find("Authorization");
  if (!field || field->size() < kScheme.size()) return false;
  if (!http::equal_ignoring_case(field->substr(0, kScheme.size()), kScheme)) return false;
  return equal_in_constant_time(field->substr(kScheme.size()), key);
}

http::Response refusal() {
  http::Response response = http::error_response(
      {.status = 401,
       .message = "Invalid API key: this server wants the header 'Authorization: Bearer KEY'.",
       .code = "invalid_api_key"});
  response.headers.add("WWW-Authenticate", "Bearer");
  return response;
}

}  // namespace

void require_key(http::Router& router, std::string key) {
  router.add_guard(
      [key = std::move(key)](const http::Request& request) -> std::optional<http::Response> {
        const bool health = request.path == "/health" || request.path == "/healthz";
        if (health || brings(request, key)) return std::nullopt;
        return refusal();
      });
}

}  // namespace chasqui::api
