#include "hub/internal/partial_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <vector>

namespace chasqui::hub {

PartialFile::PartialFile(std::string path, int fd, uint64_t size)
    : path_(std::move(path)), fd_(fd), size_(size) {}

PartialFile::PartialFile(PartialFile&& other) noexcept
    : path_(std::move(other.path_)), fd_(other.fd_), size_(other.size_) {
  other.fd_ = -1;
}

PartialFile::~PartialFile() {
  if (fd_ >= 0) ::close(fd_);
}

tl::unexpected<Error> PartialFile::failed(std::string_view doing) const {
  const int reason = errno;
  if (reason == ENOSPC || reason == EDQUOT) {
    return fail(ErrorCode::kIo,
                fmt::format("the disk is full ({}); free some space and try again, what was "
                            "downloaded is kept",
                            path_));
  }
  return fail(ErrorCode::kIo, fmt::format("cannot {} {}: {}", doing, path_, std::strerror(reason)));
}

Result<PartialFile> PartialFile::open(const std::string& path) {
  constexpr mode_t kMode = 0666;
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kMode);
  PartialFile file(path, fd, 0);
  struct stat facts = {};
  if (fd < 0 || ::fstat(fd, &facts) != 0) return file.failed("open");
  file.size_ = static_cast<uint64_t>(facts.st_size);
  return file;
}

Status PartialFile::append(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(size_));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed("write");
    size_ += static_cast<uint64_t>(n);
    bytes = bytes.subspan(static_cast<size_t>(n));
  }
  return {};
}

Status PartialFile::clear() {
  if (::ftruncate(fd_, 0) != 0) return failed("shorten");
  size_ = 0;
  return {};
}

Status PartialFile::read(const std::function<Status(std::span<const std::byte>)>& take) const {
  constexpr size_t kPieceBytes = 1 << 20;
  std::vector<std::byte> piece(kPieceBytes);
  for (uint64_t at = 0; at < size_;) {
    const ssize_t n = ::pread(fd_, piece.data(), piece.size(), static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed("read");
    if (n == 0) return fail(ErrorCode::kIo, path_ + " became shorter while it was read");
    CHASQUI_TRY_STATUS(take(std::span(piece).first(static_cast<size_t>(n))));
    at += static_cast<uint64_t>(n);
  }
  return {};
}

Status PartialFile::publish(const std::string& path) {
  if (::fsync(fd_) != 0) return failed("sync");
  if (std::rename(path_.c_str(), path.c_str()) != 0) return failed("rename");
  return {};
}

void PartialFile::remove() {
  ::unlink(path_.c_str());
}

}  // namespace chasqui::hub
