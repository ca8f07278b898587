// A hub on 127.0.0.1 that can be as bad as networks are: it writes raw bytes, so it can cut, lie
// and dawdle. Plus a cache folder that goes away. Only for tests.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "hub/hub_options.h"

namespace chasqui::hub::testing {

struct HubRequest {
  std::string target;
  std::map<std::string, std::string> headers;  // names in small letters
  std::string header(const std::string& name) const {
    const auto it = headers.find(name);
    return it == headers.end() ? "" : it->second;
  }
};

// The connection of one request; closed when the handler returns.
class HubPeer {
 public:
  explicit HubPeer(int fd) : fd_(fd) {}
  void send(std::string_view bytes);
  // Status line, headers (each ending in CRLF) and body; Content-Length is the body's.
  void answer(int status, std::string_view headers, std::string_view body);

 private:
  int fd_;
};

// True: it has answered.
using HubHandler = std::function<bool(const HubRequest&, HubPeer&)>;

// A handler that may be replaced while others still run the old one.
class SharedHandler {
 public:
  SharedHandler& operator=(HubHandler handler) {
    std::lock_guard lock(mutex_);
    handler_ = std::make_shared<HubHandler>(std::move(handler));
    return *this;
  }
  bool answer(const HubRequest& request, HubPeer& peer) const {
    std::shared_ptr<HubHandler> handler;
    {
      std::lock_guard lock(mutex_);
      handler = handler_;
    }
    return handler != nullptr && *handler != nullptr && (*handler)(request, peer);
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<HubHandler> handler_;  // guarded by mutex_
};

class HubForTest {
 public:
  HubForTest();
  ~HubForTest();
  // Waits for all handlers; what they refer to may then go. The destructor does it too.
  void stop();
  HubForTest(const HubForTest&) = delete;
  HubForTest& operator=(const HubForTest&) = delete;

  static constexpr const char* kRepo = "org/model-GGUF";
  static constexpr const char* kCommit = "0123456789abcdef0123456789abcdef01234567";

  // Files of kRepo. Set before the first request, or between two.
  std::map<std::string, std::string> files;
  SharedHandler instead;  // asked first, on a thread of its connection

  HubOptions options() const;  // endpoint, a cache folder of its own, short pauses and limits
  std::string url() const;
  uint16_t port() const { return port_; }
  const std::filesystem::path& folder() const { return folder_; }  // of the cache
  std::vector<HubRequest> requests() const;
  // How many requests were made for targets with `part` in them.
  size_t count(std::string_view part) const;

  std::string listing() const;  // JSON
  void serve_file(const HubRequest& request, HubPeer& peer, const std::string& bytes) const;

 private:
  void accept_all();
  void serve(int fd);
  void answer(const HubRequest& request, HubPeer& peer) const;

  int listener_ = -1;
  uint16_t port_ = 0;
  std::filesystem::path folder_;
  mutable std::mutex mutex_;
  std::vector<HubRequest> requests_;  // guarded by mutex_
  std::vector<std::thread> threads_;  // of the acceptor only
  std::thread acceptor_;
};

std::string sha256(std::string_view bytes);
std::string git_sha1(std::string_view bytes);
std::string read_file(const std::filesystem::path& path);
// `count` bytes that differ by `seed`.
std::string noise(size_t count, uint64_t seed = 1);

}  // namespace chasqui::hub::testing
