// The GGUF container, read-only: metadata and a directory of tensors over mapped files. Knows
// nothing of models. Immutable after open() and override_metadata(): any thread may read.
//
// Everything that a file claims (counts, string lengths, dimensions, offsets, and every product
// and sum of them) is checked against the file's size before it is used, so a hostile file costs
// an error message. Versions 2 and 3, little-endian; split files are opened through any part.
// Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
#pragma once

#include <cstdint>
#include <forward_list>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/mapped_file.h"
#include "base/result.h"
#include "gguf/overrides.h"
#include "gguf/value.h"
#include "tensor/tensor_view.h"

namespace chasqui::gguf {

// One entry of the directory. Its bytes lie within the file, at a multiple of the file's alignment
// (at least 8), and over no other tensor's; they are exactly what type and dims ask for.
struct Tensor {
  std::string name;
  int n_dims = 1;       // as written in the file, 1 to 4; a scalar written with none counts as 1
  TensorView view;      // bytes point into the mapped file
  int part = 0;         // which split file holds it, from 0
  uint64_t offset = 0;  // of the bytes within that file
};

// Lets the indices be asked by string_view, without a copy of the name.
struct StringHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};

class File {
 public:
  // Opens `path`; when its name ends in -0000I-of-0000N.gguf all N parts are opened and must
  // agree; `access` is how each is brought into memory. Errors: kNotFound, kIo, kCorrupt (what
  // contradicts what), kUnsupported (version, byte order, tensor type), each naming the file and
  // the key or tensor.
  static Result<File> open(const std::string& path, FileAccess access = FileAccess::kMap);

  // Reads one file image from memory, for tests and fuzzing. `bytes` must outlive the File;
  // `name` stands for the path in errors.
  static Result<File> parse(std::span<const std::byte> bytes, const std::string& name);

  // Replaces values of metadata, or adds them, for everybody who reads this File: call it before
  // anybody does. Returns the keys that the file did not have. kInvalidArgument, and nothing is
  // changed: a key that is an array or of another type in the file (any width of an integer is
  // `int`, of a floating-point number `float`), one that says how the file is laid out, one twice.
  Result<std::vector<std::string>> override_metadata(std::span<const Override> overrides);

  const std::string& path() const { return path_; }
  uint32_t version() const { return version_; }
  uint64_t file_bytes() const { return file_bytes_; }  // all parts together
  std::span<const MappedFile> parts() const { return mapped_; }

  // In the order of the file.
  std::span<const std::pair<std::string, Value>> metadata() const { return metadata_; }
  // nullptr when the key is absent; the pointer lives as long as the File.
  const Value* find(std::string_view key) const;

  // Part by part, each in the order of its file. Names are unique over all parts; find_tensor
  // returns nullptr when there is none.
  std::span<const Tensor> tensors() const { return tensors_; }
  const Tensor* find_tensor(std::string_view name) const;

  // Says that the bytes of `tensor` (one of tensors()) will not be read soon: their pages leave the
  // process's memory, and come back from the file where they are read all the same.
  void release(const Tensor& tensor) const;

  // Typed look-ups: nullopt when the key is absent, kInvalidArgument naming file, key, found and
  // expected type or range when it is there but no such value.
  Result<std::optional<int64_t>> get_int(std::string_view key, int64_t min, int64_t max) const;
  Result<std::optional<double>> get_double(std::string_view key) const;
  Result<std::optional<bool>> get_bool(std::string_view key) const;
  Result<std::optional<std::string_view>> get_string(std::string_view key) const;

 private:
  using Index = std::unordered_map<std::string, size_t, StringHash, std::equal_to<>>;

  // Reads part `part` of `count` and appends its tensors; the metadata is the first part's.
  Status add_part(std::span<const std::byte> bytes, const std::string& name, int part, int count);
  Status add_tensors(std::vector<Tensor> tensors, const std::string& name, int part);
  Status check_split_keys(const std::string& name, int part, int count,
                          std::span<const std::pair<std::string, Value>> metadata) const;
  Status check_tensor_total(int count) const;
  Status check_override(const Override& wanted) const;
  void set(const Override& wanted);

  std::string path_;
  uint32_t version_ = 3;
  uint64_t file_bytes_ = 0;
  std::vector<MappedFile> mapped_;
  std::vector<std::pair<std::string, Value>> metadata_;
  std::forward_list<std::string> owned_;  // bytes of overridden values; they never move
  std::vector<Tensor> tensors_;
  Index key_index_;     // into metadata_; same size
  Index tensor_index_;  // into tensors_; same size
};

}  // namespace chasqui::gguf
