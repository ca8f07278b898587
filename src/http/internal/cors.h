// Cross-origin resource sharing (Fetch standard, "CORS protocol"), as the replaced server's
// middleware did it: any method, any header, credentials allowed.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "http/message.h"

namespace chasqui::http {

// Adds the fields that a response to a request with `request` headers needs; nothing when the
// request has no Origin or when it is not allowed.
void add_cors_fields(const std::vector<std::string>& origins, const Headers& request,
                     Headers& response);

// The answer to a preflight, or nullopt when the request is none (an OPTIONS with Origin and
// Access-Control-Request-Method is one): 200 "OK" echoing the headers asked for, or 400. Its origin
// is left to add_cors_fields(), as for every response: browsers refuse two such fields.
std::optional<Response> preflight_response(const std::vector<std::string>& origins,
                                           std::string_view method, const Headers& request);

}  // namespace chasqui::http
