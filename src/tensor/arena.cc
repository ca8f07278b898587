#include "tensor/arena.h"

#include <algorithm>
#include <utility>

#include "tensor/buffer.h"

namespace chasqui {
namespace {

// Addresses are reserved, pages are not touched: what a small model leaves unused costs nothing.
constexpr size_t kRegionBytes = size_t{256} << 20;

}  // namespace

Result<std::shared_ptr<std::byte>> Arena::allocate(size_t bytes) {
  const size_t begin = (used_ + Buffer::kAlignment - 1) / Buffer::kAlignment * Buffer::kAlignment;
  if (region_ != nullptr && begin <= size_ && bytes <= size_ - begin) {
    used_ = begin + bytes;
    return std::shared_ptr<std::byte>(region_, region_.get() + begin);
  }
  auto buffer = Buffer::allocate(std::max(bytes, kRegionBytes));
  if (!buffer) buffer = Buffer::allocate(bytes);  // where even addresses are limited
  if (!buffer) return fail(buffer.error());
  size_ = buffer->size();
  used_ = bytes;
  if (place_) place_({buffer->data(), buffer->size()});
  const auto owner = std::make_shared<Buffer>(std::move(*buffer));
  region_ = std::shared_ptr<std::byte>(owner, owner->data());
  return region_;
}

}  // namespace chasqui
