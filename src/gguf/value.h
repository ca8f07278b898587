// A metadata value of a GGUF file. Scalars and strings are held by value or as views into the
// mapped file; large arrays of numbers stay in the file and are read where they lie.
// Immutable; lives as long as the File that it came from.
// Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace chasqui::gguf {

// The codes are the file format's. No other value is ever stored: the reader refuses them.
enum class ValueType : uint32_t {
  kUint8 = 0,
  kInt8 = 1,
  kUint16 = 2,
  kInt16 = 3,
  kUint32 = 4,
  kInt32 = 5,
  kFloat32 = 6,
  kBool = 7,
  kString = 8,
  kArray = 9,
  kUint64 = 10,
  kInt64 = 11,
  kFloat64 = 12,
};

const char* value_type_name(ValueType type);  // "u32", "str", "arr", ...

// Bytes of one value in the file; 0 for strings and arrays, whose size varies, and for codes
// that are no ValueType.
size_t value_type_bytes(ValueType type);

// Thread-safe: nothing changes after the reader made it. Copies are cheap except for arrays of
// strings, which carry one view a string; they too die with the File.
class Value {
 public:
  // Values that come from no file, over bytes that must outlive them. REQUIRES: `type` is a number
  // or a bool, and `bytes` has its size (CHECKed).
  static Value of_bytes(ValueType type, std::span<const std::byte> bytes);
  static Value of_text(std::string_view text);

  ValueType type() const { return type_; }
  // Type of the elements; meaningful only for arrays (nested arrays are refused by the reader).
  ValueType element_type() const { return element_type_; }
  size_t array_size() const { return array_size_; }

  // The little-endian bytes of a number, a bool, or of all elements of an array of these, where
  // they lie in the file (not aligned). Empty for strings and arrays of strings.
  std::span<const std::byte> raw() const { return payload_; }

  // Each returns nullopt when the value is of another kind or does not fit the asked range.
  // Integers of any width convert to each other where the value allows; integers convert to
  // double, and f32 to double.
  std::optional<uint64_t> as_uint() const;
  std::optional<int64_t> as_int() const;
  std::optional<double> as_double() const;
  std::optional<bool> as_bool() const;
  std::optional<std::string_view> as_string() const;

  // Arrays, element by element, with the same conversions. Index is checked.
  std::optional<int64_t> int_at(size_t index) const;
  std::optional<double> double_at(size_t index) const;
  std::optional<bool> bool_at(size_t index) const;
  std::optional<std::string_view> string_at(size_t index) const;

 private:
  friend class Reader;
  ValueType type_ = ValueType::kArray;  // a default Value is an empty array
  ValueType element_type_ = ValueType::kUint8;
  size_t array_size_ = 0;
  std::span<const std::byte> payload_;     // scalar, or the elements of a numeric array
  std::vector<std::string_view> strings_;  // one for a string, all for an array of strings
};

}  // namespace chasqui::gguf
