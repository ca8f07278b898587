// A lock between processes, as the hub's own tools take it: flock(2) on a file that stays.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "hub/internal/retry.h"

namespace chasqui::hub {

class FileLock {
 public:
  // Waits until it has the lock; calls `on_wait` once when somebody else holds it. Where the file
  // system knows no locks there is none: two downloads may then disturb each other, which their
  // checksums show. kIo names the path, kCancelled comes from `stop`.
  static Result<FileLock> acquire(const std::string& path, const Stop& stop,
                                  const std::function<void()>& on_wait);
  ~FileLock();
  FileLock(FileLock&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  FileLock& operator=(FileLock&&) = delete;

 private:
  explicit FileLock(int fd) : fd_(fd) {}
  int fd_ = -1;
};

}  // namespace chasqui::hub
