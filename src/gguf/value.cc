#include "gguf/value.h"

#include <cmath>
#include <cstring>
#include <limits>

#include "base/check.h"

namespace chasqui::gguf {
namespace {

// The bytes in the file have no alignment, so every read is a copy.
template <typename T>
T load(std::span<const std::byte> bytes, size_t index) {
  T value;
  std::memcpy(&value, bytes.data() + index * sizeof(T), sizeof(T));
  return value;
}

std::optional<int64_t> load_int(ValueType type, std::span<const std::byte> bytes, size_t index) {
  switch (type) {
    case ValueType::kUint8:
      return load<uint8_t>(bytes, index);
    case ValueType::kInt8:
      return load<int8_t>(bytes, index);
    case ValueType::kUint16:
      return load<uint16_t>(bytes, index);
    case ValueType::kInt16:
      return load<int16_t>(bytes, index);
    case ValueType::kUint32:
      return load<uint32_t>(bytes, index);
    case ValueType::kInt32:
      return load<int32_t>(bytes, index);
    case ValueType::kInt64:
      return load<int64_t>(bytes, index);
    case ValueType::kUint64: {
      const uint64_t value = load<uint64_t>(bytes, index);
      if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) return std::nullopt;
      return static_cast<int64_t>(value);
    }
    default:
      return std::nullopt;
  }
}

// 64-bit integers beyond 2^53 round; no setting of a model is that large and exact.
std::optional<double> load_double(ValueType type, std::span<const std::byte> bytes, size_t index) {
  switch (type) {
    case ValueType::kFloat32:
      return load<float>(bytes, index);
    case ValueType::kFloat64:
      return load<double>(bytes, index);
    case ValueType::kUint64:
      return static_cast<double>(load<uint64_t>(bytes, index));
    default:
      break;
  }
  const auto integer = load_int(type, bytes, index);
  if (!integer) return std::nullopt;
  return static_cast<double>(*integer);
}

}  // namespace

const char* value_type_name(ValueType type) {
  switch (type) {
    case ValueType::kUint8:
      return "u8";
    case ValueType::kInt8:
      return "i8";
    case ValueType::kUint16:
      return "u16";
    case ValueType::kInt16:
      return "i16";
    case ValueType::kUint32:
      return "u32";
    case ValueType::kInt32:
      return "i32";
    case ValueType::kFloat32:
      return "f32";
    case ValueType::kBool:
      return "bool";
    case ValueType::kString:
      return "str";
    case ValueType::kArray:
      return "arr";
    case ValueType::kUint64:
      return "u64";
    case ValueType::kInt64:
      return "i64";
    case ValueType::kFloat64:
      return "f64";
  }
  return "unknown";
}

size_t value_type_bytes(ValueType type) {
  switch (type) {
    case ValueType::kUint8:
    case ValueType::kInt8:
    case ValueType::kBool:
      return 1;
    case ValueType::kUint16:
    case ValueType::kInt16:
      return 2;
    case ValueType::kUint32:
    case ValueType::kInt32:
    case ValueType::kFloat32:
      return 4;
    case ValueType::kUint64:
    case ValueType::kInt64:
    case ValueType::kFloat64:
      return 8;
    case ValueType::kString:
    case ValueType::kArray:
      return 0;
  }
  return 0;
}

Value Value::of_bytes(ValueType type, std::span<const std::byte> bytes) {
  CHASQUI_CHECK(bytes.size() > 0 && bytes.size() == value_type_bytes(type),
                "{} bytes for a value of type {}", bytes.size(), value_type_name(type));
  Value value;
  value.type_ = type;
  value.payload_ = bytes;
  return value;
}

Value Value::of_text(std::string_view text) {
  Value value;
  value.type_ = ValueType::kString;
  value.strings_ = {text};
  return value;
}

std::optional<uint64_t> Value::as_uint() const {
  // The upper half of u64 has no int64_t to go through.
  if (type_ == ValueType::kUint64) return load<uint64_t>(payload_, 0);
  const auto value = load_int(type_, payload_, 0);
  if (!value || *value < 0) return std::nullopt;
  return static_cast<uint64_t>(*value);
}

std::optional<int64_t> Value::as_int() const {
  return load_int(type_, payload_, 0);
}

std::optional<double> Value::as_double() const {
  return load_double(type_, payload_, 0);
}

std::optional<bool> Value::as_bool() const {
  if (type_ != ValueType::kBool) return std::nullopt;
  return payload_[0] != std::byte{0};
}

std::optional<std::string_view> Value::as_string() const {
  if (type_ != ValueType::kString) return std::nullopt;
  return strings_[0];
}

std::optional<int64_t> Value::int_at(size_t index) const {
  if (type_ != ValueType::kArray || index >= array_size_) return std::nullopt;
  return load_int(element_type_, payload_, index);
}

std::optional<double> Value::double_at(size_t index) const {
  if (type_ != ValueType::kArray || index >= array_size_) return std::nullopt;
  return load_double(element_type_, payload_, index);
}

std::optional<bool> Value::bool_at(size_t index) const {
  if (type_ != ValueType::kArray || index >= array_size_) return std::nullopt;
  if (element_type_ != ValueType::kBool) return std::nullopt;
  return payload_[index] != std::byte{0};
}

std::optional<std::string_view> Value::string_at(size_t index) const {
  if (type_ != ValueType::kArray || index >= array_size_) return std::nullopt;
  if (element_type_ != ValueType::kString) return std::nullopt;
  return strings_[index];
}

}  // namespace chasqui::gguf
