#include "serving/load.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <span>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace chasqui::bench {
namespace {

double cpu_seconds(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

// Finds the end of one answer in the bytes as they come.
class AnswerReader {
 public:
  // True when the answer is complete: `bytes` ended with it.
  bool feed(std::string_view bytes) {
    if (!in_body_) {
      head_ += bytes;
      const size_t end = head_.find("\r\n\r\n");
      if (end == std::string::npos) return false;
      read_head(std::string_view(head_).substr(0, end));
      const std::string body = head_.substr(end + 4);
      return feed_body(body);
    }
    return feed_body(bytes);
  }

  int64_t take_events() { return std::exchange(events_, 0); }

 private:
  void read_head(std::string_view head) {
    if (!head.starts_with("HTTP/1.1 200 ")) throw std::runtime_error(std::string(head));
    in_body_ = true;
    constexpr std::string_view kLength = "Content-Length: ";
    const size_t at = head.find(kLength);
    left_ = -1;
    if (at == std::string_view::npos) return;  // chunked
    const std::string_view digits = head.substr(at + kLength.size());
    std::from_chars(digits.data(), digits.data() + digits.size(), left_);
  }

  bool feed_body(std::string_view bytes) {
    if (left_ < 0) return feed_stream(bytes);
    left_ -= static_cast<int64_t>(bytes.size());
    if (left_ > 0) return false;
    reset();
    return true;
  }

  // An event may begin in one piece and end in the next: the last bytes are looked at again.
  bool feed_stream(std::string_view bytes) {
    constexpr std::string_view kEvent = "data: {";
    constexpr std::string_view kEnd = "\r\n0\r\n\r\n";
    tail_ += bytes;
    size_t at = 0;
    for (size_t next = 0; (next = tail_.find(kEvent, at)) != std::string::npos;) {
      ++events_;
      at = next + kEvent.size();
    }
    if (tail_.ends_with(kEnd)) {
      reset();
      return true;
    }
    tail_.erase(0, std::max(at, tail_.size() - std::min(tail_.size(), kEnd.size() - 1)));
    return false;
  }

  void reset() {
    in_body_ = false;
    head_.clear();
    tail_.clear();
  }

  std::string head_;
  std::string tail_;
  bool in_body_ = false;
  int64_t left_ = 0;  // of a body with a length; -1: chunked
  int64_t events_ = 0;
};

class Client {
 public:
  explicit Client(uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int on = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      throw std::runtime_error("cannot connect");
    }
  }
  ~Client() { ::close(socket_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  int socket() const { return socket_; }

  void send(std::string_view request) const {
    const ssize_t sent = ::send(socket_, request.data(), request.size(), MSG_NOSIGNAL);
    if (sent != static_cast<ssize_t>(request.size())) throw std::runtime_error("cannot send");
  }

  // True when the answer is complete.
  bool receive(std::span<char> buffer, LoadResult& result) {
    const ssize_t got = ::recv(socket_, buffer.data(), buffer.size(), 0);
    if (got <= 0) throw std::runtime_error("the server closed a connection");
    const bool complete = reader_.feed({buffer.data(), static_cast<size_t>(got)});
    result.events += reader_.take_events();
    return complete;
  }

 private:
  int socket_;
  AnswerReader reader_;
};

class Poll {
 public:
  Poll() : file_(::epoll_create1(0)) {}
  ~Poll() { ::close(file_); }
  Poll(const Poll&) = delete;
  Poll& operator=(const Poll&) = delete;

  void add(Client& client) const {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = &client;
    ::epoll_ctl(file_, EPOLL_CTL_ADD, client.socket(), &event);
  }
  std::span<epoll_event> wait() {
    constexpr int kPatience = 10'000;  // milliseconds
    const int ready =
        ::epoll_wait(file_, events_.data(), static_cast<int>(events_.size()), kPatience);
    if (ready <= 0) throw std::runtime_error("the server does not answer");
    return std::span(events_).first(static_cast<size_t>(ready));
  }

 private:
  int file_;
  std::array<epoll_event, 64> events_{};
};

}  // namespace

std::string post_request(const std::string& path, const std::string& body) {
  return fmt::format(
      "POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
      "Content-Length: {}\r\n\r\n{}",
      path, body.size(), body);
}

LoadResult run_load(const Load& load) {
  Poll poll;
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < load.connections; ++i) {
    clients.push_back(std::make_unique<Client>(load.port));
    poll.add(*clients.back());
  }
  LoadResult result;
  std::vector<char> buffer(64 << 10);
  const double all_before = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID);
  const double own_before = cpu_seconds(CLOCK_THREAD_CPUTIME_ID);
  const Instant begin = Clock().now();
  int64_t begun = 0;
  const auto more = [&] { return seconds_between(begin, Clock().now()) < load.seconds; };
  for (const auto& client : clients) {
    client->send(load.request);
    ++begun;
  }
  while (result.requests < begun) {
    for (const epoll_event& event : poll.wait()) {
      Client& client = *static_cast<Client*>(event.data.ptr);
      if (!client.receive(buffer, result)) continue;
      ++result.requests;
      if (!more()) continue;
      client.send(load.request);
      ++begun;
    }
  }
  result.wall_seconds = seconds_between(begin, Clock().now());
  result.generator_cpu = cpu_seconds(CLOCK_THREAD_CPUTIME_ID) - own_before;
  result.server_cpu = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID) - all_before - result.generator_cpu;
  return result;
}

}  // namespace chasqui::bench
