// X-Request-ID: a UUID (RFC 9562) with or without hyphens.
#pragma once

#include <string>
#include <string_view>

namespace chasqui::http {

bool is_uuid(std::string_view text);

// A random UUID, version 4, as 32 hex digits. Thread-safe.
std::string random_uuid_hex();

}  // namespace chasqui::http
