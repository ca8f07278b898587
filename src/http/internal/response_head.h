// Status line and headers as bytes, with the fields that every response carries.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/message.h"

namespace chasqui::http {

// What the connection knows about one answer besides the Response.
struct HeadFields {
  std::string_view server_name;
  std::string_view request_id;
  int64_t processing_ms = 0;
  bool http11 = true;  // of the request; the response says HTTP/1.1 always
  bool keep_alive = true;
  bool chunked = false;
  std::optional<uint64_t> content_length;  // none for streams, and for 204 and 304
  Headers cors;
};

std::string response_head(const Response& response, const HeadFields& fields);

// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, 5.6.7) and "1994-11-06T08:49:37Z", of now.
std::string http_date();
std::string iso_time();

}  // namespace chasqui::http
