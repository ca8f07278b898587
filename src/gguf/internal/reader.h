// Parses one GGUF file image. All checks of sizes, counts and offsets against the image live here;
// what leaves this class may be used without further checks.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "gguf/file.h"
#include "gguf/internal/cursor.h"

namespace chasqui::gguf {

// What one file holds, in file order. Spans and views point into the image.
struct Part {
  uint32_t version = 0;
  std::vector<std::pair<std::string, Value>> metadata;  // keys are unique
  std::vector<Tensor> tensors;  // extents lie within the image; names not yet checked for doubles
};

class Reader {
 public:
  // `name` stands for the file in errors; `bytes` must outlive the Part.
  static Result<Part> read(std::span<const std::byte> bytes, const std::string& name);

 private:
  Reader(std::span<const std::byte> bytes, const std::string& name)
      : name_(name), bytes_(bytes), cursor_(bytes) {}

  Status read_header();
  Status check_version(uint32_t version);
  Status read_metadata();
  Status read_value(const std::string& key, Value& value);
  Status read_scalar(const std::string& key, Value& value);
  Status read_array(const std::string& key, Value& value);
  Status read_strings(const std::string& key, Value& value);
  Status read_alignment();
  Status read_directory();
  Result<Tensor> read_tensor(uint64_t index);
  Result<std::string> read_tensor_name(uint64_t index);
  Status read_dims(Tensor& tensor);
  Status read_type(Tensor& tensor);
  Status place_tensors();
  Status place_tensor(Tensor& tensor, uint64_t data_start);
  Status check_overlaps() const;

  tl::unexpected<Error> corrupt(std::string_view what) const;
  tl::unexpected<Error> truncated(std::string_view inside) const;

  const std::string& name_;
  std::span<const std::byte> bytes_;
  Cursor cursor_;
  uint64_t metadata_count_ = 0;
  uint64_t tensor_count_ = 0;
  uint64_t alignment_ = 32;
  Part part_;
};

}  // namespace chasqui::gguf
