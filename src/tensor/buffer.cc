#include "tensor/buffer.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <cstdint>
#include <utility>

namespace chasqui {
namespace {

constexpr size_t kHugePage = size_t{2} << 20;

// What is mapped for a buffer of `bytes`: whole pages, whose size is at most this on every Linux
// that we know.
size_t mapped_bytes(size_t bytes) {
  constexpr size_t kPage = size_t{64} << 10;
  return (bytes + kPage - 1) / kPage * kPage;
}

std::byte* map(size_t bytes) {
  // Anonymous mappings are zeroed by the kernel.
  void* address = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return address == MAP_FAILED ? nullptr : static_cast<std::byte*>(address);
}

// Maps more than is asked for and gives the ends back, so that the buffer begins with a huge page:
// where mappings begin by themselves, the first and the last 2 MiB are small pages.
std::byte* map_at_huge_page(size_t kept) {
  std::byte* const mapped = map(kept + kHugePage);
  if (mapped == nullptr) return nullptr;
  const size_t before = (kHugePage - reinterpret_cast<uintptr_t>(mapped) % kHugePage) % kHugePage;
  if (before != 0) ::munmap(mapped, before);
  ::munmap(mapped + before + kept, kHugePage - before);
  ::madvise(mapped + before, kept, MADV_HUGEPAGE);
  return mapped + before;
}

}  // namespace

Result<Buffer> Buffer::allocate(size_t bytes) {
  Buffer buffer;
  if (bytes == 0) return buffer;
  std::byte* address = nullptr;
  if (bytes < SIZE_MAX / 2) {
    const size_t mapped = mapped_bytes(bytes);
    address = mapped < kHugePage ? map(mapped) : map_at_huge_page(mapped);
  }
  if (address == nullptr) {
    return fail(ErrorCode::kResourceExhausted, fmt::format("cannot allocate {} bytes", bytes));
  }
  buffer.data_ = address;
  buffer.size_ = bytes;
  return buffer;
}

Buffer::Buffer(Buffer&& other) noexcept {
  *this = std::move(other);
}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

Buffer::~Buffer() {
  if (data_ != nullptr) ::munmap(data_, mapped_bytes(size_));
}

}  // namespace chasqui
