#include "http/internal/response_head.h"

#include <fmt/format.h>

#include <ctime>

namespace chasqui::http {
namespace {

std::tm utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  return utc;
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ");
  // A value with a line end would let whoever chose it write headers or a second response.
  for (const char c : value) out.push_back(c == '\r' || c == '\n' || c == '\0' ? ' ' : c);
  out.append("\r\n");
}

}  // namespace

// Names of days and months by hand: strftime would follow the locale.
std::string http_date() {
  constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::tm t = utc_now();
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT", kDays[t.tm_wday], t.tm_mday,
                     kMonths[t.tm_mon], t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
}

std::string iso_time() {
  const std::tm t = utc_now();
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", t.tm_year + 1900, t.tm_mon + 1,
                     t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec);
}

std::string response_head(const Response& response, const HeadFields& fields) {
  std::string out =
      fmt::format("HTTP/1.1 {} {}\r\n", response.status, status_text(response.status));
  append_field(out, "Date", http_date());
  append_field(out, "Server", fields.server_name);
  if (!response.content_type.empty()) append_field(out, "Content-Type", response.content_type);
  if (fields.content_length) {
    append_field(out, "Content-Length", std::to_string(*fields.content_length));
  }
  if (fields.chunked) append_field(out, "Transfer-Encoding", "chunked");
  // HTTP/1.0 closes unless told otherwise; the later version needs to be told only the reverse,
  // but the replaced server named it in both cases.
  append_field(out, "Connection", fields.keep_alive ? "keep-alive" : "close");
  append_field(out, "X-Request-ID", fields.request_id);
  append_field(out, "openai-processing-ms", std::to_string(fields.processing_ms));
  for (const auto& field : fields.cors) append_field(out, field.name, field.value);
  for (const auto& field : response.headers) append_field(out, field.name, field.value);
  out.append("\r\n");
  return out;
}

}  // namespace chasqui::http
