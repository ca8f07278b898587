// A position in a byte image that can only move forward and never past the end.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace chasqui::gguf {

// GGUF numbers are little-endian and are read as they lie.
static_assert(std::endian::native == std::endian::little);

class Cursor {
 public:
  explicit Cursor(std::span<const std::byte> bytes) : bytes_(bytes) {}

  uint64_t offset() const { return offset_; }
  uint64_t remaining() const { return bytes_.size() - offset_; }

  // nullopt, and no move, when fewer bytes are left than asked for.
  std::optional<std::span<const std::byte>> take_bytes(uint64_t count) {
    if (count > remaining()) return std::nullopt;
    const auto taken = bytes_.subspan(offset_, count);
    offset_ += count;
    return taken;
  }

  template <typename T>
  std::optional<T> take() {
    const auto bytes = take_bytes(sizeof(T));
    if (!bytes) return std::nullopt;
    T value;
    std::memcpy(&value, bytes->data(), sizeof(T));
    return value;
  }

 private:
  std::span<const std::byte> bytes_;
  uint64_t offset_ = 0;  // <= bytes_.size()
};

// A name out of a file, fit for an error message: in quotes, cut at 80 bytes, everything that is
// not printable ASCII as \xNN.
std::string quote_name(std::string_view name);

}  // namespace chasqui::gguf
