#include "http/internal/request_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

namespace chasqui::http {

namespace bhttp = boost::beast::http;

struct RequestParser::Beast {
  bhttp::request_parser<bhttp::string_body> parser;
};

namespace {

std::string to_string(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

// Splits a request target (RFC 9112, 3.2) into path and query. Absolute targets, which clients
// send to proxies and must be accepted by all servers, lose scheme and authority.
bool split_target(std::string_view target, RequestHead& head) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (target.size() < scheme.size() ||
        !equal_ignoring_case(target.substr(0, scheme.size()), scheme)) {
      continue;
    }
    target.remove_prefix(std::min(target.find_first_of("/?", scheme.size()), target.size()));
    if (!target.starts_with('/')) {
      head.raw_path.assign(1, '/');
      if (!target.empty()) head.query = target.substr(1);
      return true;
    }
  }
  const size_t query = std::min(target.find('?'), target.size());
  head.raw_path = target.substr(0, query);
  head.query = query < target.size() ? std::string(target.substr(query + 1)) : "";
  return head.raw_path.starts_with('/') || (head.raw_path == "*" && head.method == "OPTIONS");
}

size_t count_of(const Headers& headers, std::string_view name) {
  return static_cast<size_t>(std::count_if(
      headers.begin(), headers.end(),
      [name](const Headers::Field& field) { return equal_ignoring_case(field.name, name); }));
}

}  // namespace

RequestParser::RequestParser(size_t max_header_bytes) : beast_(std::make_unique<Beast>()) {
  beast_->parser.header_limit(static_cast<uint32_t>(max_header_bytes));
  // The limit depends on the route, which is known after the header only.
  beast_->parser.body_limit(boost::none);
  beast_->parser.eager(false);
}

RequestParser::~RequestParser() = default;

RequestParser::State RequestParser::refuse(int status, std::string message) {
  error_ = {.status = status, .message = std::move(message)};
  return State::kError;
}

RequestParser::State RequestParser::refuse_for_body_limit() {
  return refuse(413, fmt::format("The request body is larger than the {} bytes that are allowed.",
                                 max_body_bytes_));
}

RequestParser::State RequestParser::feed(std::string_view bytes, size_t& consumed) {
  consumed = 0;
  // Empty lines before a request line are to be ignored (RFC 9112, 2.2).
  while (!started_ && bytes.substr(consumed).starts_with("\r\n")) consumed += 2;
  bytes.remove_prefix(consumed);
  auto& parser = beast_->parser;
  const bool in_head = !parser.is_header_done();
  if (!in_head && parser.is_done()) return State::kComplete;
  if (bytes.empty() || (!started_ && bytes == "\r")) return State::kNeedMore;
  started_ = true;

  boost::beast::error_code ec;
  consumed += parser.put(boost::asio::buffer(bytes.data(), bytes.size()), ec);
  if (ec == bhttp::error::need_more) return State::kNeedMore;
  if (ec == bhttp::error::header_limit) {
    return refuse(431, "The request line and headers are too large.");
  }
  if (ec == bhttp::error::body_limit) return refuse_for_body_limit();
  if (ec) return refuse(400, fmt::format("The request is not valid HTTP/1.1: {}.", ec.message()));
  if (in_head) return read_head();
  return parser.is_done() ? State::kComplete : State::kNeedMore;
}

RequestParser::State RequestParser::read_head() {
  const auto& parser = beast_->parser;
  const auto& message = parser.get();
  head_.method = to_string(message.method_string());
  for (const auto& field : message) {
    head_.headers.add(to_string(field.name_string()), to_string(field.value()));
  }
  head_.http11 = message.version() == 11;
  head_.keep_alive = parser.keep_alive();
  head_.has_body = !parser.is_done();
  if (const auto length = parser.content_length()) head_.content_length = *length;

  if (!split_target(to_string(message.target()), head_)) {
    return refuse(400, "The request target must be a path that begins with '/'.");
  }
  // With a coding that is not understood, the end of the body is unknown: what follows could be
  // taken for a second request.
  if (const auto coding = head_.headers.find("Transfer-Encoding")) {
    if (!head_.http11) return refuse(400, "Transfer-Encoding does not exist in HTTP/1.0.");
    if (!equal_ignoring_case(*coding, "chunked")) {
      return refuse(501, "The only supported Transfer-Encoding is 'chunked'.");
    }
  }
  if (count_of(head_.headers, "Host") > 1) return refuse(400, "There are several Host headers.");
  if (head_.http11 && !head_.headers.contains("Host")) {
    return refuse(400, "The Host header is missing.");
  }
  if (const auto expect = head_.headers.find("Expect"); expect && head_.http11) {
    if (!equal_ignoring_case(*expect, "100-continue")) {
      return refuse(417, "The only supported expectation is '100-continue'.");
    }
    head_.expects_continue = true;
  }
  beast_->parser.eager(true);
  return State::kHead;
}

void RequestParser::set_max_body_bytes(size_t bytes) {
  max_body_bytes_ = bytes;
  beast_->parser.body_limit(bytes);
}

std::string RequestParser::take_body() {
  return std::move(beast_->parser.get().body());
}

}  // namespace chasqui::http
