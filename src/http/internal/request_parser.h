// Bytes to request, without sockets. Beast's parser does the grammar of HTTP/1 (strict line ends,
// no two lengths, chunked bodies); this wraps it so that its types stay in one file, and adds what
// it leaves open: transfer codings other than chunked, several Host fields, absolute targets.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "http/error.h"
#include "http/message.h"

namespace chasqui::http {

struct RequestHead {
  std::string method;
  std::string raw_path;  // percent-encoded, without query; "*" for OPTIONS *
  std::string query;
  Headers headers;
  bool http11 = true;
  bool keep_alive = true;         // the client wishes it
  bool has_body = false;          // something follows the header
  bool expects_continue = false;  // "Expect: 100-continue"
  std::optional<uint64_t> content_length;
};

// One per request.
class RequestParser {
 public:
  enum class State {
    kNeedMore,  // call again with more bytes
    kHead,      // head() is there; given once, before any body byte is consumed
    kComplete,  // body() is there too
    kError,     // error() says why; the connection cannot be used further
  };

  explicit RequestParser(size_t max_header_bytes);
  ~RequestParser();

  // Consumes a part of `bytes` (from the front) and sets `consumed` to its length.
  State feed(std::string_view bytes, size_t& consumed);

  // Body bytes that are accepted, chunked or not; 413 beyond. Between kHead and the next feed().
  void set_max_body_bytes(size_t bytes);

  bool started() const { return started_; }  // a byte of the request line was seen
  const RequestHead& head() const { return head_; }
  std::string take_body();
  const ErrorInfo& error() const { return error_; }

 private:
  struct Beast;

  State read_head();
  State refuse(int status, std::string message);
  State refuse_for_body_limit();

  std::unique_ptr<Beast> beast_;
  size_t max_body_bytes_ = 0;
  bool started_ = false;
  RequestHead head_;
  ErrorInfo error_;
};

}  // namespace chasqui::http
