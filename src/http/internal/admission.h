// Decides by its header alone what becomes of a request: answered at once, or read and handled.
#pragma once

#include <optional>
#include <string>

#include "http/internal/request_parser.h"
#include "http/message.h"
#include "http/router.h"
#include "http/server_options.h"

namespace chasqui::http {

struct Admission {
  Request request;               // everything but the body
  const Route* route = nullptr;  // of the router; may be null when `answer` is set
  size_t max_body_bytes = 0;
  std::optional<Response> answer;  // set: send this and do not read the body
};

// `loopback_only`: the server is bound to loopback addresses, so options.check_host applies.
Admission admit(const RequestHead& head, const ServerOptions& options, const Router& router,
                bool loopback_only);

}  // namespace chasqui::http
