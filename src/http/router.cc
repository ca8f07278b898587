#include "http/router.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"

namespace chasqui::http {
namespace {

// The next segment of a path without its slash; `rest` moves behind it. REQUIRES: rest starts
// with '/'.
std::string_view next_segment(std::string_view& rest) {
  rest.remove_prefix(1);
  const size_t end = std::min(rest.find('/'), rest.size());
  const std::string_view segment = rest.substr(0, end);
  rest.remove_prefix(end);
  return segment;
}

bool is_param(std::string_view segment) {
  return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

bool takes_rest(std::string_view segment) {
  return is_param(segment) && segment.size() > 5 && segment.substr(segment.size() - 4) == "...}";
}

std::string param_name(std::string_view segment) {
  return std::string(segment.substr(1, segment.size() - (takes_rest(segment) ? 5 : 2)));
}

Status check_pattern(std::string_view pattern) {
  std::string_view rest = pattern;
  if (!rest.starts_with('/')) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("route pattern '{}' must begin with '/'", pattern));
  }
  while (!rest.empty()) {
    const std::string_view segment = next_segment(rest);
    const bool braces = segment.find_first_of("{}") != std::string_view::npos;
    if (braces && !is_param(segment)) {
      return fail(
          ErrorCode::kInvalidArgument,
          fmt::format("route pattern '{}': '{}' must be {{name}} as a whole", pattern, segment));
    }
    if (takes_rest(segment) && !rest.empty()) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("route pattern '{}': '{}' must come last", pattern, segment));
    }
  }
  return {};
}

using Params = std::vector<std::pair<std::string, std::string>>;

// How specific a match is: one digit a segment, literal before {name} before {name...}.
using Rank = std::string;

std::optional<Rank> match_pattern(std::string_view pattern, std::string_view path, Params& params) {
  Rank rank;
  while (!pattern.empty() && !path.empty()) {
    const std::string_view want = next_segment(pattern);
    const bool rest = takes_rest(want);
    const std::string_view whole = path.substr(1);
    const std::string_view raw = rest ? whole : next_segment(path);
    if (rest) path = {};
    const auto got = percent_decode(raw);
    if (!got) return std::nullopt;
    if (is_param(want)) {
      if (got->empty()) return std::nullopt;
      params.emplace_back(param_name(want), *got);
    } else if (*got != want) {
      return std::nullopt;
    }
    rank.push_back(rest ? '2' : is_param(want) ? '1' : '0');
  }
  if (!pattern.empty() || !path.empty()) return std::nullopt;
  return rank;
}

// "GET, HEAD, OPTIONS, POST" from what the rows of a path have.
std::string allow_list(std::vector<std::string> methods) {
  if (methods.empty()) return "";
  if (std::find(methods.begin(), methods.end(), "GET") != methods.end()) methods.push_back("HEAD");
  methods.push_back("OPTIONS");
  std::sort(methods.begin(), methods.end());
  methods.erase(std::unique(methods.begin(), methods.end()), methods.end());
  return fmt::format("{}", fmt::join(methods, ", "));
}

}  // namespace

Status Router::add(Route route) {
  CHASQUI_TRY_STATUS(check_pattern(route.pattern));
  if (!route.handler || route.method.empty()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("route '{}' needs a method and a handler", route.pattern));
  }
  for (const Route& other : routes_) {
    if (other.method == route.method && other.pattern == route.pattern) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("route {} {} is there already", route.method, route.pattern));
    }
  }
  routes_.push_back(std::move(route));
  return {};
}

void Router::get(std::string pattern, Handler handler) {
  const Status added = add({.method = "GET", .pattern = pattern, .handler = std::move(handler)});
  CHASQUI_CHECK(added, "{}", added.error().message);
}

void Router::post(std::string pattern, Handler handler) {
  const Status added = add({.method = "POST", .pattern = pattern, .handler = std::move(handler)});
  CHASQUI_CHECK(added, "{}", added.error().message);
}

void Router::add_guard(Guard guard) {
  guards_.push_back(std::move(guard));
}

Router::Match Router::match(std::string_view method, std::string_view path) const {
  Match best;
  std::optional<Rank> best_rank;
  std::vector<std::string> methods;
  for (const Route& route : routes_) {
    Params params;
    const std::optional<Rank> rank = match_pattern(route.pattern, path, params);
    if (!rank) continue;
    methods.push_back(route.method);
    const bool serves = route.method == method || (method == "HEAD" && route.method == "GET");
    if (!serves || (best_rank && *best_rank <= *rank)) continue;
    best_rank = rank;
    best.route = &route;
    best.params = std::move(params);
  }
  best.allow = allow_list(std::move(methods));
  return best;
}

std::optional<Response> Router::guard(const Request& request) const {
  for (const Guard& guard : guards_) {
    if (auto response = guard(request)) return response;
  }
  return std::nullopt;
}

}  // namespace chasqui::http
