// Requests and responses as values: no socket, no parser, no thread. What the peer may have sent
// has been checked by the time a Request exists: header names are tokens, the target is
// percent-decoded, the body is within its limit. Nothing here knows what the body means.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace chasqui::http {

// Header fields in their order. Names compare without case (RFC 9110, 5.1).
class Headers {
 public:
  struct Field {
    std::string name;
    std::string value;
  };

  Headers() = default;
  Headers(std::initializer_list<Field> fields) : fields_(fields) {}

  // Value of the first field of that name; nullopt when there is none. Valid until the next
  // change.
  std::optional<std::string_view> find(std::string_view name) const;
  bool contains(std::string_view name) const { return find(name).has_value(); }

  // Appends a field, or replaces all of that name by one. Bytes that would break the framing
  // (CR, LF, NUL) are replaced by spaces when the response is written.
  void add(std::string name, std::string value);
  void set(std::string name, std::string value);
  void remove(std::string_view name);

  auto begin() const { return fields_.begin(); }
  auto end() const { return fields_.end(); }
  size_t size() const { return fields_.size(); }

 private:
  std::vector<Field> fields_;
};

// Immutable once a handler sees it.
struct Request {
  std::string method;  // "GET", as sent; HEAD stays "HEAD" although GET's handler runs
  std::string path;    // percent-decoded, without query and without ServerOptions::root_path
  std::string query;   // as sent, without '?'; "" when there is none
  Headers headers;
  std::string body;                                         // whole, chunked transfer decoded
  std::vector<std::pair<std::string, std::string>> params;  // path parameters, as in the pattern
  std::string request_id;  // the client's X-Request-ID, else a generated UUID (32 hex digits)
  std::string peer;        // address of the other end, without port ("127.0.0.1")

  // A path parameter; "" when the pattern has no such name.
  std::string_view param(std::string_view name) const;
  // The first value of a query parameter, percent-decoded; nullopt when it is absent.
  std::optional<std::string> query_value(std::string_view name) const;
};

// The server adds Content-Length, Date, Server, Connection, X-Request-ID, openai-processing-ms
// and the CORS fields; they must not be set here.
struct Response {
  int status = 200;
  std::string content_type = "application/json";  // "" when there is no body
  Headers headers;
  std::string body;
  std::string error;  // of error_response(): the error's code, else its type; not sent
};

// "Not Found" for 404; "Unknown" for a number without a name.
std::string_view status_text(int status);

// `text` with %XX replaced by bytes ('+' stays); nullopt for a broken escape or a NUL byte.
std::optional<std::string> percent_decode(std::string_view text);

// ASCII case-insensitive equality, as header names and many header values need it.
bool equal_ignoring_case(std::string_view a, std::string_view b);

}  // namespace chasqui::http
