#include "http/test_client.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

namespace chasqui::http {

TestClient::TestClient(uint16_t port, int receive_buffer) {
  fd_ = socket(AF_INET, SOCK_STREAM, 0);
  if (receive_buffer > 0) {
    setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) close();
}

bool TestClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

void TestClient::finish_sending() {
  shutdown(fd_, SHUT_WR);
}

void TestClient::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

void TestClient::reset() {
  const linger hard{1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  close();
}

bool TestClient::fill(Deadline deadline) {
  const auto left = deadline - std::chrono::steady_clock::now();
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(left).count();
  pollfd poll_fd{fd_, POLLIN, 0};
  if (fd_ < 0 || poll(&poll_fd, 1, static_cast<int>(std::max<int64_t>(0, ms))) <= 0) return false;
  char chunk[16384];
  const ssize_t got = recv(fd_, chunk, sizeof chunk, 0);
  if (got <= 0) return false;
  buffer_.append(chunk, static_cast<size_t>(got));
  return true;
}

bool TestClient::need(size_t bytes, Deadline deadline) {
  while (buffer_.size() < bytes) {
    if (!fill(deadline)) return false;
  }
  return true;
}

std::optional<std::string> TestClient::line(Deadline deadline) {
  while (true) {
    if (const size_t end = buffer_.find("\r\n"); end != std::string::npos) {
      std::string text = buffer_.substr(0, end);
      buffer_.erase(0, end + 2);
      return text;
    }
    if (!fill(deadline)) return std::nullopt;
  }
}

void TestClient::receive_chunks(ClientResponse& response, Deadline deadline) {
  while (true) {
    const auto size_line = line(deadline);
    if (!size_line) return;
    const size_t size = std::stoul(*size_line, nullptr, 16);
    if (!need(size + 2, deadline)) {
      response.body += buffer_;
      return;
    }
    response.body.append(buffer_, 0, size);
    buffer_.erase(0, size + 2);
    if (size == 0) {
      response.complete = true;
      return;
    }
  }
}

std::optional<ClientResponse> TestClient::receive(std::chrono::milliseconds limit, bool head_only) {
  const Deadline deadline = std::chrono::steady_clock::now() + limit;
  ClientResponse response;
  const auto status = line(deadline);
  if (!status || status->size() < 12) return std::nullopt;
  response.status = std::stoi(status->substr(9, 3));
  while (true) {
    const auto field = line(deadline);
    if (!field) return std::nullopt;
    if (field->empty()) break;
    const size_t colon = field->find(": ");
    response.headers.add(field->substr(0, colon), field->substr(colon + 2));
  }
  response.chunked = response.header("Transfer-Encoding") == "chunked";
  const std::string length = response.header("Content-Length");
  if (head_only || response.status == 100 || response.status == 204) {
    response.complete = true;
  } else if (response.chunked) {
    receive_chunks(response, deadline);
  } else if (!length.empty()) {
    response.complete = need(std::stoul(length), deadline);
    const size_t size = std::min<size_t>(std::stoul(length), buffer_.size());
    response.body = buffer_.substr(0, size);
    buffer_.erase(0, size);
  } else {
    while (fill(deadline)) {
    }
    response.body = std::exchange(buffer_, {});
    response.complete = true;
  }
  return response;
}

bool TestClient::receive_until(std::string_view text, std::chrono::milliseconds limit) {
  const Deadline deadline = std::chrono::steady_clock::now() + limit;
  while (buffer_.find(text) == std::string::npos) {
    if (!fill(deadline)) return false;
  }
  return true;
}

bool TestClient::closed_within(std::chrono::milliseconds limit) {
  const Deadline deadline = std::chrono::steady_clock::now() + limit;
  while (fill(deadline)) buffer_.clear();
  return std::chrono::steady_clock::now() < deadline;
}

std::string get_request(std::string_view path, std::string_view more_headers) {
  return fmt::format("GET {} HTTP/1.1\r\nHost: localhost\r\n{}\r\n", path, more_headers);
}

std::string post_request(std::string_view path, std::string_view body,
                         std::string_view more_headers) {
  return fmt::format(
      "POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
      "Content-Length: {}\r\n{}\r\n{}",
      path, body.size(), more_headers, body);
}

}  // namespace chasqui::http
