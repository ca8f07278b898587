// A whole file, mapped read-only. Immutable after construction: any thread may read `bytes()`.
// The mapping ends with the object. A file that shrinks under us still raises SIGBUS; model
// files are not edited in place while they are served.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "base/result.h"

namespace chasqui {

class MappedFile {
 public:
  // Maps `path`. kNotFound when there is no such file, kIo for everything else (a directory, no
  // permission); the message names the path. An empty file maps to an empty span.
  static Result<MappedFile> open(const std::string& path);

  MappedFile() = default;
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  const std::string& path() const { return path_; }

  // Hints to the kernel that the whole file will be read soon, or that [offset, offset + size)
  // will not be needed again and its pages may go. Never fails; only speed changes.
  void prefetch() const;
  void release(size_t offset, size_t size) const;

  // Locks the pages into memory. kIo with the limit and the way to raise it when refused.
  Status lock() const;

 private:
  void close() noexcept;

  std::string path_;
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace chasqui
