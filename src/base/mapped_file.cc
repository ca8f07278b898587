#include "base/mapped_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <span>
#include <utility>

namespace chasqui {
namespace {

// Closes a descriptor on every way out of open().
struct FileDescriptor {
  int fd;
  ~FileDescriptor() {
    if (fd >= 0) ::close(fd);
  }
};

tl::unexpected<Error> os_error(const char* what, const std::string& path) {
  const int error = errno;
  const ErrorCode code =
      error == ENOENT || error == ENOTDIR ? ErrorCode::kNotFound : ErrorCode::kIo;
  return fail(code, fmt::format("{} {}: {}", what, path, std::strerror(error)));
}

}  // namespace

Result<MappedFile> MappedFile::open(const std::string& path, FileAccess access) {
  const FileDescriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.fd < 0) return os_error("cannot open", path);
  struct stat info {};
  if (::fstat(file.fd, &info) != 0) return os_error("cannot read the size of", path);
  if (!S_ISREG(info.st_mode)) return fail(ErrorCode::kIo, path + " is not a regular file");

  MappedFile mapped;
  mapped.path_ = path;
  mapped.size_ = static_cast<size_t>(info.st_size);
  if (mapped.size_ == 0) return mapped;
  mapped.access_ = access;
  const bool map = access == FileAccess::kMap;
  void* address = map ? ::mmap(nullptr, mapped.size_, PROT_READ, MAP_SHARED, file.fd, 0)
                      : ::mmap(nullptr, mapped.size_, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (address == MAP_FAILED) {
    mapped.size_ = 0;
    return os_error(map ? "cannot map" : "no memory to read", path);
  }
  mapped.data_ = static_cast<const std::byte*>(address);
  if (!map) CHASQUI_TRY_STATUS(mapped.read_from(file.fd));
  return mapped;
}

Status MappedFile::read_from(int file) {
  const std::span<std::byte> to(const_cast<std::byte*>(data_), size_);
  for (size_t done = 0; done < size_;) {
    const ssize_t count = ::read(file, to.data() + done, size_ - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return os_error("cannot read", path_);
    if (count == 0) return fail(ErrorCode::kIo, path_ + " became shorter while it was read");
    done += static_cast<size_t>(count);
  }
  ::mprotect(to.data(), size_, PROT_READ);
  return {};
}

MappedFile::MappedFile(MappedFile&& other) noexcept {
  *this = std::move(other);
}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  if (this == &other) return *this;
  close();
  path_ = std::move(other.path_);
  data_ = std::exchange(other.data_, nullptr);
  size_ = std::exchange(other.size_, 0);
  access_ = other.access_;
  return *this;
}

MappedFile::~MappedFile() {
  close();
}

void MappedFile::close() noexcept {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
  data_ = nullptr;
  size_ = 0;
}

void MappedFile::prefetch() const {
  if (data_ == nullptr || access_ == FileAccess::kRead) return;
  ::madvise(const_cast<std::byte*>(data_), size_, MADV_WILLNEED);
}

void MappedFile::release(size_t offset, size_t size) const {
  if (access_ == FileAccess::kMap) forget(offset, size);
}

void MappedFile::forget(size_t offset, size_t size) const {
  if (data_ == nullptr || offset >= size_) return;
  const size_t page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  const size_t begin = (offset + page - 1) / page * page;
  const size_t end = (offset + size > size_ ? size_ : offset + size) / page * page;
  if (begin >= end) return;
  ::madvise(const_cast<std::byte*>(data_) + begin, end - begin, MADV_DONTNEED);
}

}  // namespace chasqui
