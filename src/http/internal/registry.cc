#include "http/internal/server_state.h"

namespace chasqui::http {

void Registry::add(const std::shared_ptr<Connection>& connection) {
  std::lock_guard lock(mutex_);
  open_.emplace(connection.get(), connection);
}

void Registry::remove(const Connection* connection) {
  std::lock_guard lock(mutex_);
  open_.erase(connection);
  if (open_.empty()) emptied_.notify_all();
}

size_t Registry::size() const {
  std::lock_guard lock(mutex_);
  return open_.size();
}

std::vector<std::shared_ptr<Connection>> Registry::all() const {
  std::vector<std::shared_ptr<Connection>> connections;
  std::lock_guard lock(mutex_);
  for (const auto& [key, weak] : open_) {
    if (auto connection = weak.lock()) connections.push_back(std::move(connection));
  }
  return connections;
}

bool Registry::wait_until_empty(std::chrono::steady_clock::time_point deadline) {
  std::unique_lock lock(mutex_);
  return emptied_.wait_until(lock, deadline, [this] { return open_.empty(); });
}

}  // namespace chasqui::http
