// Owned memory, aligned for SIMD and zeroed. Large buffers come straight from the kernel, so pages
// that are never touched cost nothing; huge pages are asked for.
#pragma once

#include <cstddef>
#include <span>

#include "base/result.h"

namespace chasqui {

class Buffer {
 public:
  static constexpr size_t kAlignment = 64;

  // kResourceExhausted, with the size, when the memory cannot be had.
  static Result<Buffer> allocate(size_t bytes);

  Buffer() = default;
  Buffer(Buffer&& other) noexcept;
  Buffer& operator=(Buffer&& other) noexcept;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer();

  std::byte* data() const { return data_; }
  size_t size() const { return size_; }
  template <typename T>
  T* as() const {
    return reinterpret_cast<T*>(data_);
  }

 private:
  std::byte* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace chasqui
