#include "http/error.h"

#include <fmt/format.h>

#include <cstdint>

namespace chasqui::http {
namespace {

// Length of the valid UTF-8 sequence at the start of `text` (Unicode 15, table 3-7), or 0.
size_t utf8_length(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t lead = byte(0);
  if (lead < 0x80) return 1;
  const size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  // Overlong forms, surrogates and what lies above U+10FFFF show in the second byte.
  if (lead == 0xe0 && byte(1) < 0xa0) return 0;
  if (lead == 0xed && byte(1) > 0x9f) return 0;
  if (lead == 0xf0 && byte(1) < 0x90) return 0;
  if (lead == 0xf4 && byte(1) > 0x8f) return 0;
  return length;
}

void append_escaped(std::string& out, char c) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      break;
  }
  if (static_cast<uint8_t>(c) < 0x20) {
    out += fmt::format("\\u{:04x}", static_cast<int>(c));
  } else {
    out.push_back(c);
  }
}

std::string quote_or_null(const std::optional<std::string>& text) {
  return text ? json_quote(*text) : "null";
}

}  // namespace

std::string json_quote(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const size_t length = utf8_length(text);
    if (length == 0) {
      out += "\xef\xbf\xbd";
      text.remove_prefix(1);
      continue;
    }
    if (length == 1) {
      append_escaped(out, text[0]);
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length);
  }
  out += '"';
  return out;
}

std::string_view default_error_type(int status) {
  switch (status) {
    case 401:
      return "authentication_error";
    case 403:
      return "permission_error";
    case 408:
      return "timeout_error";
    case 429:
      return "rate_limit_error";
    case 503:
      return "overloaded_error";
    default:
      return status >= 500 ? "internal_server_error" : "invalid_request_error";
  }
}

std::string error_body(const ErrorInfo& error) {
  const std::string_view type =
      error.type.empty() ? default_error_type(error.status) : std::string_view(error.type);
  return fmt::format(R"({{"error":{{"message":{},"type":{},"param":{},"code":{}}}}})",
                     json_quote(error.message), json_quote(type), quote_or_null(error.param),
                     quote_or_null(error.code));
}

Response error_response(const ErrorInfo& error) {
  Response response;
  response.status = error.status;
  response.error = error.code.value_or(
      error.type.empty() ? std::string(default_error_type(error.status)) : error.type);
  response.body = error_body(error);
  return response;
}

ErrorInfo error_info(const Error& error) {
  ErrorInfo info;
  info.message = error.message;
  if (!error.param.empty()) info.param = error.param;
  switch (error.code) {
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kUnsupported:
      info.status = 400;
      break;
    case ErrorCode::kContextLength:
      info.status = 400;
      info.code = "context_length_exceeded";
      break;
    case ErrorCode::kNotFound:
      info.status = 404;
      break;
    case ErrorCode::kResourceExhausted:
    case ErrorCode::kCancelled:
      info.status = 503;
      break;
    case ErrorCode::kCorrupt:
    case ErrorCode::kIo:
    case ErrorCode::kInternal:
      // What the message says (paths, sizes) is for the log, not for strangers.
      info.status = 500;
      info.message = "The server had an error while processing the request.";
      info.param.reset();
      break;
  }
  return info;
}

}  // namespace chasqui::http
