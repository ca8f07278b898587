#include "hub/internal/file_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace chasqui::hub {

FileLock::~FileLock() {
  if (fd_ >= 0) ::close(fd_);  // closing gives the lock back
}

Result<FileLock> FileLock::acquire(const std::string& path, const Stop& stop,
                                   const std::function<void()>& on_wait) {
  constexpr mode_t kMode = 0666;
  constexpr std::chrono::milliseconds kBetween{200};
  FileLock lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kMode));
  if (lock.fd_ < 0) {
    return fail(ErrorCode::kIo, fmt::format("cannot open {}: {}", path, std::strerror(errno)));
  }
  for (bool told = false; ::flock(lock.fd_, LOCK_EX | LOCK_NB) != 0;) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK) break;
    if (!told && on_wait) on_wait();
    told = true;
    CHASQUI_TRY_STATUS(wait_unless_stopped(kBetween, stop));
  }
  return lock;
}

}  // namespace chasqui::hub
