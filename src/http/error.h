// The one writer of error bodies. Every error of every facade, and every error that this room
// answers by itself (404, 405, 408, 413, 415, 431, 503, ...), has OpenAI's shape:
//   {"error":{"message":"...","type":"...","param":null,"code":null}}
// Messages are for the person who sent the request: what was wrong, what is allowed, no internals.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/message.h"

namespace chasqui::http {

// `type` is OpenAI's coarse class, `code` the fine one that programs compare ("model_not_found"),
// `param` the path of the request field at fault ("messages[2].content").
struct ErrorInfo {
  int status = 500;
  std::string message;
  std::string type = {};  // "": chosen by default_error_type(status)
  std::optional<std::string> param = std::nullopt;
  std::optional<std::string> code = std::nullopt;
};

// 400, 404, 405, 413, 415, 422 and so on: invalid_request_error; 401: authentication_error;
// 403: permission_error; 408: timeout_error; 429: rate_limit_error; 503: overloaded_error; other
// 5xx: internal_server_error (the replaced server's word).
std::string_view default_error_type(int status);

// The JSON text, one line; also what an error event inside a stream carries. Any bytes may stand
// in the message: invalid UTF-8 becomes U+FFFD.
std::string error_body(const ErrorInfo& error);

// The same as a Response with the error's status.
Response error_response(const ErrorInfo& error);

// The usual translation of an Error: kInvalidArgument 400, kContextLength 400 with code
// context_length_exceeded, kNotFound 404, kUnsupported 400, kCorrupt 500, kResourceExhausted 503,
// kCancelled 503, kIo and kInternal 500. The message of a 5xx from kIo, kCorrupt or kInternal is
// replaced by a fixed sentence; log the original. Facades with other needs fill ErrorInfo.
ErrorInfo error_info(const Error& error);

// `text` as a JSON string with its quotes. Control characters, '"' and '\' are escaped, other
// valid UTF-8 stands as it is.
std::string json_quote(std::string_view text);

}  // namespace chasqui::http
