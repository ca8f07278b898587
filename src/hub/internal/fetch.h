// A GET at the hub: with the token, through redirects, with answers that are no success turned
// into sentences.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "hub/hub_options.h"
#include "hub/internal/http_client.h"

namespace chasqui::hub {

// What all requests of one pull have in common.
struct Session {
  const HubOptions& options;
  Stop stop;  // may be empty
  std::string repo;
  std::string revision;
  Note note = {};
};

struct FetchRequest {
  std::string path;  // at the endpoint, begins with '/', encoded
  std::vector<std::pair<std::string, std::string>> headers;
};

// Follows at most ten redirects. The token goes only to the endpoint's own host and port, and
// without TLS only where that is this machine; nothing leads from https to http. `sink` sees
// answers of 200 and 206 (and 416, which it may make sense of) only.
Fetched<HttpHead> fetch(const Session& session, const FetchRequest& request, BodySink& sink);

// The body of a small answer.
Fetched<std::string> fetch_text(const Session& session, const FetchRequest& request,
                                size_t max_bytes);

}  // namespace chasqui::hub
