// How many HTTP requests were answered, by route and status, and with which errors. /metrics shows
// it; the server's access records feed it.
//
//   auto metrics = std::make_shared<api::HttpMetrics>();
//   http_options.on_access = [metrics](const auto& record) { metrics->count(record); };
//   api::Service service(models, {.http_metrics = metrics});
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "http/server_options.h"

namespace chasqui::api {

class HttpMetrics {
 public:
  HttpMetrics();

  // Any thread. Routes are those of endpoints(); what matched none is counted together, so that a
  // stranger who tries paths makes no new figures. Takes a lock only where there is an error.
  void count(const http::AccessRecord& record);
  // An error that a stream showed after it had begun, by its code, or type where there is none.
  // Any thread.
  void count_error(std::string_view code);

  // What was counted, where it is not 0. Any thread.
  void each_request(
      const std::function<void(std::string_view route, int status, int64_t count)>& visit) const;
  void each_error(const std::function<void(std::string_view code, int64_t count)>& visit) const;

 private:
  static constexpr int kFirstStatus = 100;
  static constexpr int kStatuses = 500;
  // Errors are words of our own; this bounds them whatever somebody adds.
  static constexpr size_t kMaxErrors = 64;

  struct Row {
    std::string_view route;  // "" for what matched none
    std::array<std::atomic<int64_t>, kStatuses> by_status{};
  };
  std::vector<Row> rows_;  // its size is constant after construction

  mutable std::mutex mutex_;
  std::map<std::string, int64_t, std::less<>> errors_;  // guarded by mutex_
};

// What the log says of a request that was answered: one line, whatever was asked for.
std::string log_line(const http::AccessRecord& record);
// Logs it, at level debug. Any thread.
void log_access(const http::AccessRecord& record);

}  // namespace chasqui::api
