// The bytes of a download so far: a prefix of the file, kept under a name of its own until it is
// whole. One thread; two processes are kept apart by a FileLock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "base/result.h"

namespace chasqui::hub {

class PartialFile {
 public:
  // Goes on with what is there. kIo names the path.
  static Result<PartialFile> open(const std::string& path);
  ~PartialFile();
  PartialFile(PartialFile&& other) noexcept;
  PartialFile& operator=(PartialFile&&) = delete;

  uint64_t size() const { return size_; }
  // kIo; the sentence says so where the disk is full.
  Status append(std::span<const std::byte> bytes);
  // Forgets everything.
  Status clear();
  // Hands all bytes to `take`, in order, until it fails.
  Status read(const std::function<Status(std::span<const std::byte>)>& take) const;
  // Syncs and gives the file its name; nothing more may be asked of it.
  Status publish(const std::string& path);
  void remove();

 private:
  PartialFile(std::string path, int fd, uint64_t size);
  tl::unexpected<Error> failed(std::string_view doing) const;  // with errno

  std::string path_;
  int fd_ = -1;
  uint64_t size_ = 0;
};

}  // namespace chasqui::hub
