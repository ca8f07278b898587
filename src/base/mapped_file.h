// A whole file in memory, mapped read-only or read in. Immutable after construction: any thread may
// read `bytes()`. The memory ends with the object. A mapped file that shrinks under us still raises
// SIGBUS; model files are not edited in place while they are served.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "base/result.h"

namespace chasqui {

enum class FileAccess {
  kMap,   // pages are the kernel's: shared by processes, read when first touched, and again when
          // memory was short
  kRead,  // a copy of our own: read at once, then the file may change, vanish or be far away
};

class MappedFile {
 public:
  // Maps `path`, or reads it. kNotFound when there is no such file, kIo for everything else (a
  // directory, no permission); the message names the path. An empty file maps to an empty span.
  static Result<MappedFile> open(const std::string& path, FileAccess access = FileAccess::kMap);

  MappedFile() = default;
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  const std::string& path() const { return path_; }

  // Hints to the kernel that the whole file will be read soon, or that the pages of
  // [offset, offset + size) of a mapped file may go: who reads them again maps them in again. A
  // file that was read in keeps them. Never fails; only speed changes.
  void prefetch() const;
  void release(size_t offset, size_t size) const;

  // [offset, offset + size) will never be read again: its memory may go, and what stands there
  // afterwards is undefined.
  void forget(size_t offset, size_t size) const;

 private:
  void close() noexcept;
  Status read_from(int file);

  std::string path_;
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
  FileAccess access_ = FileAccess::kMap;
};

}  // namespace chasqui
