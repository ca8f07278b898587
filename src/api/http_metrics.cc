#include "api/http_metrics.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <set>

#include "api/service.h"

namespace chasqui::api {
namespace {

// Patterns that several methods share are one route.
std::set<std::string_view> routes() {
  std::set<std::string_view> routes = {""};
  for (const Endpoint& endpoint : endpoints()) routes.insert(endpoint.pattern);
  return routes;
}

}  // namespace

// Sorted by route, with "" first.
HttpMetrics::HttpMetrics() : rows_(routes().size()) {
  size_t i = 0;
  for (const std::string_view route : routes()) rows_[i++].route = route;
}

void HttpMetrics::count(const http::AccessRecord& record) {
  const auto found = std::ranges::lower_bound(rows_, record.route, {}, &Row::route);
  Row& row = found != rows_.end() && found->route == record.route ? *found : rows_.front();
  const int status = std::clamp(record.status - kFirstStatus, 0, kStatuses - 1);
  row.by_status[static_cast<size_t>(status)].fetch_add(1, std::memory_order_relaxed);
  if (!record.error.empty()) count_error(record.error);
}

void HttpMetrics::count_error(std::string_view code) {
  const std::lock_guard lock(mutex_);
  const auto known = errors_.find(code);
  if (known != errors_.end()) {
    ++known->second;
  } else if (errors_.size() < kMaxErrors) {
    errors_.emplace(code, 1);
  }
}

void HttpMetrics::each_request(
    const std::function<void(std::string_view route, int status, int64_t count)>& visit) const {
  for (const Row& row : rows_) {
    for (int i = 0; i < kStatuses; ++i) {
      const int64_t count = row.by_status[static_cast<size_t>(i)].load(std::memory_order_relaxed);
      if (count > 0) visit(row.route, kFirstStatus + i, count);
    }
  }
}

void HttpMetrics::each_error(
    const std::function<void(std::string_view code, int64_t count)>& visit) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [code, count] : errors_) visit(code, count);
}

std::string log_line(const http::AccessRecord& record) {
  // A path could bring line ends of its own, or what a terminal obeys.
  std::string path;
  for (const char c : record.path) {
    const bool is_shown = c > ' ' && c <= '~';
    path += is_shown ? std::string(1, c) : fmt::format("%{:02X}", static_cast<uint8_t>(c));
  }
  return fmt::format("{} {} {} {} {:.1f} ms {}", record.peer, record.method, path, record.status,
                     record.seconds * 1e3, record.request_id);
}

void log_access(const http::AccessRecord& record) {
  if (spdlog::should_log(spdlog::level::debug)) spdlog::debug("{}", log_line(record));
}

}  // namespace chasqui::api
