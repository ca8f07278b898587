// Writes GGUF version 3. Metadata and tensor headers first, then the tensors' bytes in the same
// order, so that files larger than memory can be streamed. Not thread-safe.
//
//   Writer writer;
//   writer.add_string("general.architecture", "llama");
//   writer.declare_tensor("output.weight", DType::kQ8_0, {{cols, rows}});
//   writer.open(path, false), writer.append(bytes), writer.finish();
//
// The order of calls is checked (CHECK): add and declare in any order, then open once, append as
// often as needed, finish. What a caller gets wrong is our bug; what the disk gets wrong is kIo.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gguf/value.h"
#include "tensor/dtype.h"

namespace chasqui::gguf {

class Writer {
 public:
  Writer();
  ~Writer();
  Writer(Writer&&) noexcept;
  Writer& operator=(Writer&&) noexcept;

  // Metadata; a key may be added once (CHECKed). The key general.alignment also sets the alignment
  // of the tensors (default 32) and comes before the first of them.
  void add_uint32(std::string_view key, uint32_t value);
  void add_int32(std::string_view key, int32_t value);
  void add_uint64(std::string_view key, uint64_t value);
  void add_float32(std::string_view key, float value);
  void add_bool(std::string_view key, bool value);
  void add_string(std::string_view key, std::string_view value);
  void add_strings(std::string_view key, std::span<const std::string> values);
  void add_uint8s(std::string_view key, std::span<const uint8_t> values);
  void add_int32s(std::string_view key, std::span<const int32_t> values);
  void add_float32s(std::string_view key, std::span<const float> values);
  // A value of another file, unchanged: same type, same width, same bytes.
  void add_value(std::string_view key, const Value& value);

  // Declares a tensor; its place in the file follows from the tensors declared before. dims: 1 to 4
  // positive numbers, dims[0] contiguous and a whole number of blocks; names are unique (CHECKed).
  void declare_tensor(std::string_view name, DType type, std::span<const int64_t> dims);

  // Writes header and directory for `path` (which must not exist unless `overwrite`, and then be a
  // regular file: kInvalidArgument), then `append` takes the tensors' bytes in declaration order,
  // in pieces of any size; `finish` checks that all bytes came (kInternal when too few or too
  // many), syncs and closes. The file carries a temporary name in the same folder until finish()
  // succeeds; when the Writer goes before that, it is removed. kIo: the operating system refused,
  // or (from `open`) the disk has no room for the whole file.
  Status open(const std::string& path, bool overwrite);
  Status append(std::span<const std::byte> bytes);
  Status finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace chasqui::gguf
