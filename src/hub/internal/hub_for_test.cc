#include "hub/internal/hub_for_test.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "base/rng.h"
#include "hub/internal/digest.h"

namespace chasqui::hub::testing {
namespace {

using namespace std::chrono_literals;

std::string digest(std::string_view bytes, size_t digits) {
  Digest digest(std::string(digits, '0'), bytes.size());
  digest.update(std::as_bytes(std::span(bytes)));
  return digest.finish();
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return text;
}

HubRequest parse_request(std::string_view head) {
  HubRequest request;
  const size_t begin = head.find(' ') + 1;
  request.target = head.substr(begin, head.find(' ', begin) - begin);
  for (size_t at = head.find("\r\n"); at != head.npos && at + 2 < head.size();) {
    const size_t end = std::min(head.find("\r\n", at + 2), head.size());
    const std::string_view line = head.substr(at + 2, end - at - 2);
    if (const size_t colon = line.find(": "); colon != line.npos) {
      request.headers[lower(std::string(line.substr(0, colon)))] = line.substr(colon + 2);
    }
    at = end == head.size() ? head.npos : end;
  }
  return request;
}

}  // namespace

std::string sha256(std::string_view bytes) {
  return digest(bytes, 64);
}

std::string git_sha1(std::string_view bytes) {
  return digest(bytes, 40);
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string{std::istreambuf_iterator<char>(in), {}};
}

std::string noise(size_t count, uint64_t seed) {
  Rng rng(seed);
  std::string bytes(count, '\0');
  for (char& c : bytes) c = static_cast<char>(rng.below(256));
  return bytes;
}

void HubPeer::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
}

void HubPeer::answer(int status, std::string_view headers, std::string_view body) {
  send(fmt::format("HTTP/1.1 {} Whatever\r\n{}Content-Length: {}\r\n\r\n", status, headers,
                   body.size()));
  send(body);
}

HubForTest::HubForTest() {
  std::string pattern = (std::filesystem::temp_directory_path() / "hub-test-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp " + pattern);
  folder_ = pattern;
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  constexpr int kBacklog = 64;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener_, generic, size) != 0 || ::listen(listener_, kBacklog) != 0 ||
      ::getsockname(listener_, generic, &size) != 0) {
    throw std::runtime_error("cannot listen on 127.0.0.1");
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_all(); });
}

void HubForTest::stop() {
  if (!acceptor_.joinable()) return;
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  ::close(listener_);
}

HubForTest::~HubForTest() {
  stop();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void HubForTest::accept_all() {
  for (;;) {
    const int fd = ::accept(listener_, nullptr, nullptr);
    if (fd < 0) break;
    threads_.emplace_back([this, fd] { serve(fd); });
  }
  for (std::thread& thread : threads_) thread.join();
}

void HubForTest::serve(int fd) {
  std::string head;
  char piece[4096];
  while (head.find("\r\n\r\n") == head.npos) {
    const ssize_t n = ::recv(fd, piece, sizeof piece, 0);
    if (n <= 0) break;
    head.append(piece, static_cast<size_t>(n));
  }
  if (head.find("\r\n\r\n") != head.npos) {
    const HubRequest request = parse_request(head);
    {
      std::lock_guard lock(mutex_);
      requests_.push_back(request);
    }
    HubPeer peer(fd);
    if (!instead.answer(request, peer)) answer(request, peer);
  }
  ::shutdown(fd, SHUT_WR);
  ::close(fd);
}

std::string HubForTest::listing() const {
  boost::json::array siblings;
  for (const auto& [path, bytes] : files) {
    boost::json::object entry{
        {"rfilename", path}, {"size", bytes.size()}, {"blobId", git_sha1(bytes)}};
    if (path.ends_with(".gguf")) {
      entry["lfs"] = {{"sha256", sha256(bytes)}, {"size", bytes.size()}, {"pointerSize", 134}};
    }
    siblings.push_back(std::move(entry));
  }
  return boost::json::serialize(
      boost::json::object{{"id", kRepo}, {"sha", kCommit}, {"siblings", std::move(siblings)}});
}

void HubForTest::serve_file(const HubRequest& request, HubPeer& peer,
                            const std::string& bytes) const {
  const std::string range = request.header("range");
  if (range.empty()) return peer.answer(200, "", bytes);
  const size_t first = std::stoul(range.substr(std::string("bytes=").size()));
  if (first >= bytes.size()) return peer.answer(416, "", "");
  peer.answer(
      206, fmt::format("Content-Range: bytes {}-{}/{}\r\n", first, bytes.size() - 1, bytes.size()),
      std::string_view(bytes).substr(first));
}

void HubForTest::answer(const HubRequest& request, HubPeer& peer) const {
  if (request.target == fmt::format("/api/models/{}/revision/main?blobs=true", kRepo)) {
    return peer.answer(200, "Content-Type: application/json\r\n", listing());
  }
  const std::string prefix = fmt::format("/{}/resolve/{}/", kRepo, kCommit);
  if (request.target.starts_with(prefix)) {
    const auto it = files.find(request.target.substr(prefix.size()));
    if (it != files.end()) return serve_file(request, peer, it->second);
  }
  peer.answer(404, "X-Error-Code: EntryNotFound\r\n", "");
}

HubOptions HubForTest::options() const {
  HubOptions options;
  options.endpoint = url();
  options.cache_folder = folder_.string();
  options.connect_timeout = 5s;
  options.answer_timeout = 5s;
  options.chunk_timeout = 5s;
  options.first_pause = 1ms;
  options.longest_pause = 5ms;
  return options;
}

std::string HubForTest::url() const {
  return fmt::format("http://127.0.0.1:{}", port_);
}

std::vector<HubRequest> HubForTest::requests() const {
  std::lock_guard lock(mutex_);
  return requests_;
}

size_t HubForTest::count(std::string_view part) const {
  std::lock_guard lock(mutex_);
  return static_cast<size_t>(std::ranges::count_if(requests_, [part](const HubRequest& request) {
    return request.target.find(part) != std::string::npos;
  }));
}

}  // namespace chasqui::hub::testing
