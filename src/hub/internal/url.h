// The URLs that the hub uses: http and https, a host, a port, a target.
// RFC 3986; user names and fragments are not taken.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace chasqui::hub {

struct Url {
  bool tls = true;
  std::string host;    // lower case; IPv6 without brackets
  std::string port;    // "443", always set
  std::string target;  // path and query, begins with '/', ASCII without spaces

  std::string authority() const;  // as the Host header has it
  std::string text() const;
  // Whether both lead to the same server by the same way.
  bool same_server(const Url& other) const {
    return tls == other.tls && host == other.host && port == other.port;
  }
  bool is_loopback() const;
};

// nullopt for anything else.
std::optional<Url> parse_url(std::string_view text);

// What a Location header means, seen from `base`.
std::optional<Url> resolve_location(const Url& base, std::string_view location);

// A path with everything but letters, digits and -._~/ as %XX.
std::string encode_path(std::string_view path);

}  // namespace chasqui::hub
