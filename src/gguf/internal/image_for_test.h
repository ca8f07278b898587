// Builds GGUF images byte by byte, so that tests can write what Writer refuses to. Only for tests.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "gguf/value.h"
#include "tensor/dtype.h"

namespace chasqui::gguf::testing {

class Image {
 public:
  template <typename T>
  Image& num(T value) {
    char bytes[sizeof(T)];
    std::memcpy(bytes, &value, sizeof(T));
    bytes_.append(bytes, sizeof(T));
    return *this;
  }
  Image& text(std::string_view raw) {
    bytes_ += raw;
    return *this;
  }
  Image& str(std::string_view value) { return num<uint64_t>(value.size()).text(value); }

  Image& header(uint64_t tensors, uint64_t keys, uint32_t version = 3) {
    return text("GGUF").num(version).num(tensors).num(keys);
  }
  Image& key(std::string_view name, ValueType type) { return str(name).num(type); }
  Image& array(std::string_view name, ValueType element, uint64_t count) {
    return key(name, ValueType::kArray).num(element).num(count);
  }
  Image& u32(std::string_view name, uint32_t value) {
    return key(name, ValueType::kUint32).num(value);
  }
  Image& tensor(std::string_view name, std::initializer_list<uint64_t> dims, uint32_t type,
                uint64_t offset) {
    str(name).num(static_cast<uint32_t>(dims.size()));
    for (const uint64_t dim : dims) num(dim);
    return num(type).num(offset);
  }
  Image& pad(size_t alignment = 32) {
    bytes_.resize((bytes_.size() + alignment - 1) / alignment * alignment, '\0');
    return *this;
  }
  Image& zeros(size_t count) { return text(std::string(count, '\0')); }

  std::string& bytes() { return bytes_; }
  std::span<const std::byte> span() const { return std::as_bytes(std::span(bytes_)); }

 private:
  std::string bytes_;
};

}  // namespace chasqui::gguf::testing
