// The one key of a server that is not open to everybody, as the replaced server had it: requests
// bring it as `Authorization: Bearer KEY`.
#pragma once

#include <string>

#include "http/router.h"

namespace chasqui::api {

// Adds a guard that answers 401 (code invalid_api_key) to every request of every route that comes
// without the key, except for /health, which says nothing about anybody. `key`: not empty. Before
// the server starts.
void require_key(http::Router& router, std::string key);

}  // namespace chasqui::api
