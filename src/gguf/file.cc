#include "gguf/file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "gguf/internal/reader.h"
#include "gguf/split_name.h"

namespace chasqui::gguf {
namespace {

constexpr std::string_view kSplitNo = "split.no";
constexpr std::string_view kSplitCount = "split.count";
constexpr std::string_view kSplitTensors = "split.tensors.count";

using Metadata = std::span<const std::pair<std::string, Value>>;

const Value* find_in(Metadata metadata, std::string_view key) {
  const auto it = std::ranges::find(metadata, key, &std::pair<std::string, Value>::first);
  return it == metadata.end() ? nullptr : &it->second;
}

// The value as an error message shows it: its kind and, for an integer, the number.
std::string describe(const Value& value) {
  if (const auto number = value.as_uint()) return std::to_string(*number);
  if (const auto number = value.as_int()) return std::to_string(*number);
  if (value.type() == ValueType::kArray) {
    return fmt::format("an array of {} {}", value.array_size(),
                       value_type_name(value.element_type()));
  }
  return fmt::format("a value of type {}", value_type_name(value.type()));
}

tl::unexpected<Error> wrong_kind(const File& file, std::string_view key, const Value& value,
                                 std::string_view expected) {
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("{}: metadata key {} is {}; expected {}", file.path(), quote_name(key),
                          describe(value), expected));
}

}  // namespace

Result<File> File::open(const std::string& path, FileAccess access) {
  const auto split = parse_split_name(path);
  const int count = split ? split->count : 1;
  File file;
  file.path_ = path;
  // From the first part on, whichever was named: it alone carries the model's metadata.
  for (int part = 0; part < count; ++part) {
    const std::string part_path = split ? split_path(*split, part) : path;
    auto mapped = MappedFile::open(part_path, access);
    if (!mapped && mapped.error().code == ErrorCode::kNotFound && count > 1) {
      return fail(ErrorCode::kNotFound,
                  fmt::format("{}; the model is split into {} files, which must all lie in the "
                              "same folder",
                              mapped.error().message, count));
    }
    if (!mapped) return fail(mapped.error());
    CHASQUI_TRY_STATUS(file.add_part(mapped->bytes(), part_path, part, count));
    file.mapped_.push_back(std::move(*mapped));
  }
  CHASQUI_TRY_STATUS(file.check_tensor_total(count));
  return file;
}

Result<File> File::parse(std::span<const std::byte> bytes, const std::string& name) {
  File file;
  file.path_ = name;
  CHASQUI_TRY_STATUS(file.add_part(bytes, name, 0, 1));
  CHASQUI_TRY_STATUS(file.check_tensor_total(1));
  return file;
}

Status File::add_part(std::span<const std::byte> bytes, const std::string& name, int part,
                      int count) {
  CHASQUI_TRY(Part read, Reader::read(bytes, name));
  CHASQUI_TRY_STATUS(check_split_keys(name, part, count, read.metadata));
  if (part == 0) {
    version_ = read.version;
    metadata_ = std::move(read.metadata);
    for (size_t i = 0; i < metadata_.size(); ++i) key_index_.emplace(metadata_[i].first, i);
  } else if (read.version != version_) {
    return fail(ErrorCode::kCorrupt,
                fmt::format("{} has GGUF version {}, but the first part has {}", name, read.version,
                            version_));
  }
  file_bytes_ += bytes.size();
  return add_tensors(std::move(read.tensors), name, part);
}

Status File::add_tensors(std::vector<Tensor> tensors, const std::string& name, int part) {
  for (Tensor& tensor : tensors) {
    tensor.part = part;
    if (!tensor_index_.emplace(tensor.name, tensors_.size()).second) {
      return fail(ErrorCode::kCorrupt,
                  fmt::format("{}: tensor {} appears twice", name, quote_name(tensor.name)));
    }
    tensors_.push_back(std::move(tensor));
  }
  return {};
}

// A part must know its own place, or files of different models with like names would be mixed.
Status File::check_split_keys(const std::string& name, int part, int count,
                              Metadata metadata) const {
  const Value* found_count = find_in(metadata, kSplitCount);
  if (found_count == nullptr) {
    if (count == 1) return {};
    return fail(ErrorCode::kCorrupt,
                fmt::format("{}: the name says part {} of {}, but metadata key '{}' is missing",
                            name, part + 1, count, kSplitCount));
  }
  const auto parts = found_count->as_uint();
  if (!parts) {
    return fail(ErrorCode::kCorrupt, fmt::format("{}: metadata key '{}' is {}; expected a number",
                                                 name, kSplitCount, describe(*found_count)));
  }
  // Tools that join the parts of a model leave the key behind, as 0.
  if (*parts != static_cast<uint64_t>(count) && !(*parts == 0 && count == 1)) {
    return fail(ErrorCode::kCorrupt,
                fmt::format("{}: metadata key '{}' says {} parts, but the file name says {}; parts "
                            "must keep names that end in -00001-of-{:05}.gguf",
                            name, kSplitCount, *parts, count, *parts));
  }
  const Value* no = find_in(metadata, kSplitNo);
  if (no == nullptr && count == 1) return {};
  if (no == nullptr || no->as_uint() != static_cast<uint64_t>(part)) {
    return fail(ErrorCode::kCorrupt,
                fmt::format("{}: metadata key '{}' is {}; expected {}, as in the file name", name,
                            kSplitNo, no == nullptr ? "missing" : describe(*no), part));
  }
  return {};
}

Status File::check_tensor_total(int count) const {
  const Value* total = find(kSplitTensors);
  if (total == nullptr && count == 1) return {};
  if (total != nullptr && total->as_uint() == tensors_.size()) return {};
  return fail(ErrorCode::kCorrupt,
              fmt::format("{}: metadata key '{}' is {}, but the {} parts hold {} tensors", path_,
                          kSplitTensors, total == nullptr ? "missing" : describe(*total), count,
                          tensors_.size()));
}

const Value* File::find(std::string_view key) const {
  const auto it = key_index_.find(key);
  return it == key_index_.end() ? nullptr : &metadata_[it->second].second;
}

const Tensor* File::find_tensor(std::string_view name) const {
  const auto it = tensor_index_.find(name);
  return it == tensor_index_.end() ? nullptr : &tensors_[it->second];
}

void File::release(const Tensor& tensor) const {
  if (mapped_.empty()) return;  // parsed from somebody's memory
  mapped_[static_cast<size_t>(tensor.part)].release(tensor.offset, tensor.view.bytes.size());
}

Result<std::optional<int64_t>> File::get_int(std::string_view key, int64_t min, int64_t max) const {
  const Value* value = find(key);
  if (value == nullptr) return std::nullopt;
  const auto number = value->as_int();
  if (!number || *number < min || *number > max) {
    return wrong_kind(*this, key, *value, fmt::format("an integer from {} to {}", min, max));
  }
  return number;
}

Result<std::optional<double>> File::get_double(std::string_view key) const {
  const Value* value = find(key);
  if (value == nullptr) return std::nullopt;
  const auto number = value->as_double();
  // No setting of a model is infinite, and a NaN would spread through everything that uses it.
  if (!number || !std::isfinite(*number)) {
    return wrong_kind(*this, key, *value, "a finite number");
  }
  return number;
}

Result<std::optional<bool>> File::get_bool(std::string_view key) const {
  const Value* value = find(key);
  if (value == nullptr) return std::nullopt;
  const auto flag = value->as_bool();
  if (!flag) return wrong_kind(*this, key, *value, "a bool");
  return flag;
}

Result<std::optional<std::string_view>> File::get_string(std::string_view key) const {
  const Value* value = find(key);
  if (value == nullptr) return std::nullopt;
  const auto text = value->as_string();
  if (!text) return wrong_kind(*this, key, *value, "a string");
  return text;
}

}  // namespace chasqui::gguf
