// The table of method and path -> handler. Filled before the server starts, read-only afterwards
// (then any thread may call the const members).
//
// Patterns: "/v1/models" matches exactly; a segment "{name}" matches one segment; a last segment
// "{name...}" matches the rest, slashes included (model ids contain them). Matched text is
// percent-decoded. Literal segments win over parameters, earlier rows over later ones. A trailing
// slash is significant.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "http/exchange.h"
#include "http/message.h"

namespace chasqui::http {

// Called on an I/O thread: must not block. An exception that escapes is answered with a 500.
using Handler = std::function<void(std::shared_ptr<Exchange>)>;

// Looks at a request before its body is read (Request::body is empty): authentication, rate
// limits. A Response ends the request; nullopt lets it pass. Called on I/O threads, several at
// once. Not asked for CORS preflights and unknown paths.
using Guard = std::function<std::optional<Response>(const Request&)>;

struct Route {
  std::string method;   // "GET", "POST", ...; GET serves HEAD too
  std::string pattern;  // begins with '/'
  Handler handler;
  bool json_only = true;  // a body whose Content-Type is not JSON gets 415 (a missing one passes)
  size_t max_body_bytes = 0;  // 0: ServerOptions::max_body_bytes
};

class Router {
 public:
  // kInvalidArgument for a broken pattern, an empty handler or a second row of the same method
  // and pattern; the message names the row.
  Status add(Route route);
  // Shorthand for the usual row. REQUIRES: what add() checks.
  void get(std::string pattern, Handler handler);
  void post(std::string pattern, Handler handler);

  // Guards are asked in the order in which they were added.
  void add_guard(Guard guard);

  struct Match {
    const Route* route = nullptr;  // null: no row for this method, or none for the path at all
    std::vector<std::pair<std::string, std::string>> params;
    std::string allow;  // methods that the path has, for 405 and OPTIONS ("GET, HEAD, OPTIONS");
                        // "" when no row has the path: 404
  };
  // `path` is the request's, still percent-encoded.
  Match match(std::string_view method, std::string_view path) const;

  // The first answer of a guard, or nullopt.
  std::optional<Response> guard(const Request& request) const;

  const std::vector<Route>& routes() const { return routes_; }

 private:
  std::vector<Route> routes_;  // in order of addition; no two have the same method and pattern
  std::vector<Guard> guards_;
};

}  // namespace chasqui::http
