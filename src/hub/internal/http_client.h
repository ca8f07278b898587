// One GET over HTTP/1.1 (RFC 9112), plain or over TLS, on a connection of its own. Blocks the
// caller, within the time limits of HubOptions. Knows nothing of the hub.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hub/hub_options.h"
#include "hub/internal/retry.h"
#include "hub/internal/url.h"

namespace chasqui::hub {

struct HttpRequest {
  Url url;
  std::vector<std::pair<std::string, std::string>> headers;  // without CR and LF
};

struct HttpHead {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> fields;
  std::optional<uint64_t> length;  // Content-Length

  std::string field(std::string_view name) const;  // the first of that name in any case, or ""
};

// Where an answer goes. What a method returns as an error ends the exchange with it.
class BodySink {
 public:
  virtual ~BodySink() = default;
  // Before any byte of the body; false: the body is not read.
  virtual Fetched<bool> begin(const HttpHead& head) = 0;
  virtual Fetched<void> take(std::span<const std::byte> bytes) = 0;
};

// Certificates are checked against those of the system (SSL_CERT_FILE and SSL_CERT_DIR name
// others). May pass: no connection, a limit of time, a body that ends before its length. Not: a
// certificate that does not hold, an answer that is no HTTP, kCancelled.
Fetched<HttpHead> http_get(const HttpRequest& request, BodySink& sink, const HubOptions& options,
                           const Stop& stop);

}  // namespace chasqui::hub
