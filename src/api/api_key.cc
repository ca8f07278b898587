#include "api/api_key.h"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <optional>
#include <string_view>
#include <utility>

#include "http/error.h"
#include "http/message.h"

namespace chasqui::api {
namespace {

constexpr std::string_view kScheme = "Bearer ";

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  uint8_t difference = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    difference = static_cast<uint8_t>(difference |
                                      (static_cast<uint8_t>(a[i]) ^ static_cast<uint8_t>(b[i])));
  }
  return difference == 0;
}

bool brings_key(const http::Request& request, const ApiKeys& keys) {
  const auto field = request.headers.find("Authorization");
  if (!field || field->size() < kScheme.size()) return false;
  if (!http::equal_ignoring_case(field->substr(0, kScheme.size()), kScheme)) return false;
  return keys.open_with(field->substr(kScheme.size()));
}

bool is_open(std::string_view path, const std::vector<std::string>& open_paths) {
  return std::ranges::any_of(open_paths, [path](const std::string& open) {
    return path == open || (open.ends_with('/') && path.starts_with(open));
  });
}

std::string_view without_blanks(std::string_view line) {
  constexpr std::string_view kBlanks = " \t\r";
  const size_t begin = std::min(line.find_first_not_of(kBlanks), line.size());
  line.remove_prefix(begin);
  return line.substr(0, line.find_last_not_of(kBlanks) + 1);
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

void ApiKeys::replace(Keys keys) {
  const std::lock_guard lock(mutex_);
  keys_ = std::make_shared<const Keys>(std::move(keys));
}

bool ApiKeys::open_with(std::string_view key) const {
  std::shared_ptr<const Keys> keys;
  {
    const std::lock_guard lock(mutex_);
    keys = keys_;
  }
  bool known = false;
  for (const std::string& each : *keys) known |= equal_in_constant_time(key, each);
  return known;
}

Result<std::vector<std::string>> read_key_file(const std::string& path) {
  std::ifstream in(path);
  if (!in) return fail(ErrorCode::kNotFound, "cannot read the keys in " + path, "api_key_file");
  std::vector<std::string> keys;
  for (std::string line; std::getline(in, line);) {
    const std::string_view key = without_blanks(line);
    if (!key.empty() && !key.starts_with('#')) keys.emplace_back(key);
  }
  if (keys.empty()) return fail(ErrorCode::kInvalidArgument, path + " has no key", "api_key_file");
  return keys;
}

void require_key(http::Router& router, std::shared_ptr<const ApiKeys> keys,
                 std::vector<std::string> open_paths) {
  router.add_guard([keys = std::move(keys), open_paths = std::move(open_paths)](
                       const http::Request& request) -> std::optional<http::Response> {
    if (is_open(request.path, open_paths) || brings_key(request, *keys)) return std::nullopt;
    return refusal();
  });
}

}  // namespace chasqui::api
