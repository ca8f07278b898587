#include "hub/internal/url.h"

#include <fmt/format.h>

#include <algorithm>

namespace chasqui::hub {
namespace {

constexpr std::string_view kHttps = "https://";
constexpr std::string_view kHttp = "http://";
constexpr size_t kLongestPort = 5;
constexpr size_t kLongestHost = 253;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_host_char(char c) {
  return is_letter(c) || is_digit(c) || c == '.' || c == '-' || c == '_';
}

bool is_address_char(char c) {
  return is_letter(c) || is_digit(c) || c == ':' || c == '.';
}

// Printable ASCII without space: anything else has to be escaped by who writes a URL.
bool is_target(std::string_view target) {
  return std::ranges::all_of(target, [](char c) { return c > 0x20 && c < 0x7f; });
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

// "host", "host:port", "[::1]:port" into `url`.
bool read_authority(std::string_view text, Url& url) {
  std::string_view host = text;
  std::string_view port;
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    if (end == text.npos) return false;
    host = text.substr(1, end - 1);
    const std::string_view rest = text.substr(end + 1);
    if (!rest.empty() && !rest.starts_with(':')) return false;
    port = rest.empty() ? rest : rest.substr(1);
    if (!std::ranges::all_of(host, is_address_char)) return false;
  } else {
    if (const size_t colon = text.find(':'); colon != text.npos) {
      host = text.substr(0, colon);
      port = text.substr(colon + 1);
    }
    if (!std::ranges::all_of(host, is_host_char)) return false;
  }
  if (host.empty() || host.size() > kLongestHost) return false;
  if (port.size() > kLongestPort || !std::ranges::all_of(port, is_digit)) return false;
  url.host = lower(host);
  if (!port.empty()) url.port = port;
  return true;
}

}  // namespace

std::string Url::authority() const {
  const std::string name = host.find(':') == host.npos ? host : '[' + host + ']';
  return port == (tls ? "443" : "80") ? name : name + ':' + port;
}

std::string Url::text() const {
  return fmt::format("{}{}{}", tls ? kHttps : kHttp, authority(), target);
}

bool Url::is_loopback() const {
  return host == "localhost" || host == "::1" || host == "127.0.0.1";
}

std::optional<Url> parse_url(std::string_view text) {
  Url url;
  const std::string scheme = lower(text.substr(0, kHttps.size()));
  if (scheme == kHttps) {
    text.remove_prefix(kHttps.size());
  } else if (scheme.starts_with(kHttp)) {
    text.remove_prefix(kHttp.size());
    url.tls = false;
  } else {
    return std::nullopt;
  }
  url.port = url.tls ? "443" : "80";
  text = text.substr(0, text.find('#'));
  const size_t end = std::min(text.find_first_of("/?"), text.size());
  if (!read_authority(text.substr(0, end), url)) return std::nullopt;
  url.target = text.substr(end);
  if (!url.target.starts_with('/')) url.target.insert(0, "/");
  if (!is_target(url.target)) return std::nullopt;
  return url;
}

std::optional<Url> resolve_location(const Url& base, std::string_view location) {
  if (location.starts_with("//")) {
    return parse_url(std::string(base.tls ? "https:" : "http:") + std::string(location));
  }
  if (!location.starts_with('/')) return parse_url(location);
  location = location.substr(0, location.find('#'));
  if (!is_target(location)) return std::nullopt;
  Url url = base;
  url.target = location;
  return url;
}

std::string encode_path(std::string_view path) {
  constexpr std::string_view kKept = "-._~/";
  std::string out;
  for (const char c : path) {
    if (is_letter(c) || is_digit(c) || kKept.find(c) != kKept.npos) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

}  // namespace chasqui::hub
