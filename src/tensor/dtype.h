// The element types of GGUF tensors: their codes, names and block sizes, and nothing about what
// the bits mean (quant/ knows that).
// Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace chasqui {

// The codes are the file format's.
enum class DType : uint32_t {
  kF32 = 0,
  kF16 = 1,
  kQ4_0 = 2,
  kQ4_1 = 3,
  kQ5_0 = 6,
  kQ5_1 = 7,
  kQ8_0 = 8,
  kQ8_1 = 9,
  kQ2_K = 10,
  kQ3_K = 11,
  kQ4_K = 12,
  kQ5_K = 13,
  kQ6_K = 14,
  kQ8_K = 15,
  kIQ2_XXS = 16,
  kIQ2_XS = 17,
  kIQ3_XXS = 18,
  kIQ1_S = 19,
  kIQ4_NL = 20,
  kIQ3_S = 21,
  kIQ2_S = 22,
  kIQ4_XS = 23,
  kI8 = 24,
  kI16 = 25,
  kI32 = 26,
  kI64 = 27,
  kF64 = 28,
  kIQ1_M = 29,
  kBF16 = 30,
  kTQ1_0 = 34,
  kTQ2_0 = 35,
  kMXFP4 = 39,
  kNVFP4 = 40,
  kQ1_0 = 41,
  kQ2_0 = 42,
};

struct DTypeInfo {
  DType type;
  std::string_view name;  // as llama.cpp prints it: "F16", "Q4_K"
  uint32_t block_values;  // values in a block; a row is a whole number of blocks
  uint32_t block_bytes;
};

// Every type in this file, ordered by code.
std::span<const DTypeInfo> all_dtypes();

// nullptr when `code` is no type that we know.
const DTypeInfo* find_dtype(uint32_t code);
// By name, in any case ("q4_k"). nullptr when unknown.
const DTypeInfo* find_dtype(std::string_view name);
// REQUIRES: a value of the enum.
const DTypeInfo& dtype_info(DType type);

// Bytes of a row of `values` values; nullopt when that is not a whole number of blocks or
// overflows.
std::optional<uint64_t> row_bytes(DType type, uint64_t values);

}  // namespace chasqui
