#include "gguf/internal/reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <unordered_set>

#include "base/checked_math.h"

namespace chasqui::gguf {
namespace {

constexpr uint32_t kMagic = 0x46554747;  // "GGUF"

// Bounds on what a directory may claim, besides the file's size. The largest real files have some
// hundred keys and some thousand tensors; a directory entry costs several times its bytes in
// memory, so a hostile file of gigabytes must not be taken at its word.
constexpr uint64_t kMaxKeys = 1 << 16;
constexpr uint64_t kMaxTensors = 1 << 20;

constexpr uint64_t kMaxKeyBytes = 65535;       // the format's own limit
constexpr uint64_t kMaxTensorNameBytes = 256;  // the format says 64; some writers exceed it

// The format asks for a multiple of 8; the upper bound only keeps padding sane.
constexpr uint64_t kMinAlignment = 8;
constexpr uint64_t kMaxAlignment = 1 << 20;

// The fewest bytes that an entry can take: bounds the counts by the bytes that are left.
constexpr uint64_t kMinKeyEntryBytes = 8 + 1 + 4 + 1;         // length, key, type, a bool
constexpr uint64_t kMinTensorEntryBytes = 8 + 1 + 4 + 4 + 8;  // length, name, n_dims, type, offset

// Formats that came before GGUF, by the first four bytes read as a little-endian number.
constexpr std::array kForerunners = {std::pair{0x67676d6cu, "GGML"}, std::pair{0x67676d66u, "GGMF"},
                                     std::pair{0x67676a74u, "GGJT"},
                                     std::pair{0x67676c61u, "GGLA"}};

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

std::string quote_name(std::string_view name) {
  constexpr size_t kShown = 80;
  std::string out = "'";
  for (const char c : name.substr(0, kShown)) {
    if (c >= ' ' && c <= '~') {
      out.push_back(c);
    } else {
      out += fmt::format("\\x{:02x}", static_cast<uint8_t>(c));
    }
  }
  if (name.size() > kShown) out += "...";
  return out + "'";
}

tl::unexpected<Error> Reader::corrupt(std::string_view what) const {
  return fail(ErrorCode::kCorrupt, fmt::format("{}: {}", name_, what));
}

tl::unexpected<Error> Reader::truncated(std::string_view inside) const {
  return corrupt(
      fmt::format("the file ends inside {} (byte {} of {} bytes); it is damaged or was "
                  "not copied completely",
                  inside, cursor_.offset(), bytes_.size()));
}

Result<Part> Reader::read(std::span<const std::byte> bytes, const std::string& name) {
  Reader reader(bytes, name);
  CHASQUI_TRY_STATUS(reader.read_header());
  CHASQUI_TRY_STATUS(reader.read_metadata());
  CHASQUI_TRY_STATUS(reader.read_alignment());
  CHASQUI_TRY_STATUS(reader.read_directory());
  CHASQUI_TRY_STATUS(reader.place_tensors());
  return std::move(reader.part_);
}

Status Reader::read_header() {
  const auto magic = cursor_.take<uint32_t>();
  if (!magic) return truncated("the header");
  for (const auto& [code, format] : kForerunners) {
    if (*magic != code) continue;
    return fail(ErrorCode::kUnsupported,
                fmt::format("{}: this is a {} file, a format from before GGUF; convert the model "
                            "again from its original weights",
                            name_, format));
  }
  if (*magic != kMagic) {
    return corrupt(fmt::format("this is not a GGUF file: it starts with {} instead of 'GGUF'",
                               quote_name(as_text(bytes_.first(4)))));
  }
  const auto version = cursor_.take<uint32_t>();
  if (!version) return truncated("the header");
  CHASQUI_TRY_STATUS(check_version(*version));
  part_.version = *version;

  const auto tensors = cursor_.take<uint64_t>();
  const auto keys = cursor_.take<uint64_t>();
  if (!tensors || !keys) return truncated("the header");
  tensor_count_ = *tensors;
  metadata_count_ = *keys;
  const uint64_t max_keys = std::min(kMaxKeys, cursor_.remaining() / kMinKeyEntryBytes);
  if (metadata_count_ > max_keys) {
    return corrupt(
        fmt::format("the header claims {} metadata keys; a file of {} bytes can have at "
                    "most {}",
                    metadata_count_, bytes_.size(), max_keys));
  }
  const uint64_t max_tensors = std::min(kMaxTensors, cursor_.remaining() / kMinTensorEntryBytes);
  if (tensor_count_ > max_tensors) {
    return corrupt(
        fmt::format("the header claims {} tensors; a file of {} bytes can have at most "
                    "{}",
                    tensor_count_, bytes_.size(), max_tensors));
  }
  return {};
}

Status Reader::check_version(uint32_t version) {
  if (version == 2 || version == 3) return {};
  const uint32_t swapped = __builtin_bswap32(version);
  if (swapped >= 1 && swapped <= 3) {
    return fail(ErrorCode::kUnsupported,
                fmt::format("{}: this is a big-endian GGUF file; only little-endian files can be "
                            "read, so convert it first",
                            name_));
  }
  if (version == 1) {
    return fail(ErrorCode::kUnsupported,
                fmt::format("{}: GGUF version 1 (of August 2023) is not supported, only 2 and 3; "
                            "convert the model again",
                            name_));
  }
  return fail(ErrorCode::kUnsupported,
              fmt::format("{}: GGUF version {} is not supported, only 2 and 3", name_, version));
}

Status Reader::read_metadata() {
  std::unordered_set<std::string> seen;
  for (uint64_t i = 0; i < metadata_count_; ++i) {
    const std::string where = fmt::format("metadata key number {}", i);
    const auto length = cursor_.take<uint64_t>();
    if (!length) return truncated(where);
    if (*length == 0 || *length > kMaxKeyBytes) {
      return corrupt(fmt::format("{} has a name of {} bytes; allowed are 1 to {}", where, *length,
                                 kMaxKeyBytes));
    }
    const auto bytes = cursor_.take_bytes(*length);
    if (!bytes) return truncated(where);
    const std::string key(as_text(*bytes));
    if (!seen.insert(key).second) {
      return corrupt(fmt::format("metadata key {} appears twice", quote_name(key)));
    }
    Value value;
    CHASQUI_TRY_STATUS(read_value(key, value));
    part_.metadata.emplace_back(key, std::move(value));
  }
  return {};
}

Status Reader::read_value(const std::string& key, Value& value) {
  const auto code = cursor_.take<uint32_t>();
  if (!code) return truncated("the type of metadata key " + quote_name(key));
  value.type_ = static_cast<ValueType>(*code);
  if (value.type_ == ValueType::kArray) return read_array(key, value);
  if (value.type_ == ValueType::kString) {
    value.array_size_ = 1;
    CHASQUI_TRY_STATUS(read_strings(key, value));
    value.array_size_ = 0;
    return {};
  }
  if (value_type_bytes(value.type_) == 0) {
    return corrupt(fmt::format("metadata key {} has value type {}; known are 0 to 12",
                               quote_name(key), *code));
  }
  return read_scalar(key, value);
}

Status Reader::read_scalar(const std::string& key, Value& value) {
  const auto bytes = cursor_.take_bytes(value_type_bytes(value.type_));
  if (!bytes) return truncated("the value of metadata key " + quote_name(key));
  value.payload_ = *bytes;
  if (value.type_ == ValueType::kBool && value.payload_[0] > std::byte{1}) {
    return corrupt(fmt::format("metadata key {} is a bool with the value {}; allowed are 0 and 1",
                               quote_name(key), static_cast<int>(value.payload_[0])));
  }
  return {};
}

Status Reader::read_array(const std::string& key, Value& value) {
  const auto code = cursor_.take<uint32_t>();
  const auto count = cursor_.take<uint64_t>();
  if (!code || !count) return truncated("the array of metadata key " + quote_name(key));
  value.element_type_ = static_cast<ValueType>(*code);
  if (value.element_type_ == ValueType::kArray) {
    return fail(ErrorCode::kUnsupported,
                fmt::format("{}: metadata key {} is an array of arrays, which is not supported",
                            name_, quote_name(key)));
  }
  const bool strings = value.element_type_ == ValueType::kString;
  const uint64_t element_bytes =
      strings ? sizeof(uint64_t) : value_type_bytes(value.element_type_);  // at least, for strings
  if (element_bytes == 0) {
    return corrupt(fmt::format("metadata key {} is an array of value type {}; known are 0 to 12",
                               quote_name(key), *code));
  }
  const auto bytes = checked_mul(*count, element_bytes);
  if (!bytes || *bytes > cursor_.remaining()) {
    return corrupt(fmt::format(
        "metadata key {} claims an array of {} {} values, but only {} bytes "
        "are left in the file",
        quote_name(key), *count, value_type_name(value.element_type_), cursor_.remaining()));
  }
  value.array_size_ = *count;
  if (strings) return read_strings(key, value);
  value.payload_ = *cursor_.take_bytes(*bytes);
  const bool is_bool = value.element_type_ == ValueType::kBool;
  if (is_bool &&
      std::ranges::any_of(value.payload_, [](std::byte b) { return b > std::byte{1}; })) {
    return corrupt(
        fmt::format("metadata key {} is an array of bools with a value that is neither "
                    "0 nor 1",
                    quote_name(key)));
  }
  return {};
}

// Reads value.array_size_ strings. REQUIRES: 8 bytes are left for each, or there is just one.
Status Reader::read_strings(const std::string& key, Value& value) {
  value.strings_.reserve(value.array_size_);
  for (size_t i = 0; i < value.array_size_; ++i) {
    const auto length = cursor_.take<uint64_t>();
    if (!length) return truncated("a string of metadata key " + quote_name(key));
    const auto bytes = cursor_.take_bytes(*length);
    if (!bytes) {
      return corrupt(
          fmt::format("string {} of metadata key {} claims {} bytes, but only {} are "
                      "left in the file",
                      i, quote_name(key), *length, cursor_.remaining()));
    }
    value.strings_.push_back(as_text(*bytes));
  }
  return {};
}

Status Reader::read_alignment() {
  const auto found =
      std::ranges::find(part_.metadata, "general.alignment", &std::pair<std::string, Value>::first);
  if (found == part_.metadata.end()) return {};
  const auto alignment = found->second.as_uint();
  if (!alignment) {
    return corrupt(fmt::format("metadata key 'general.alignment' is of type {}; expected u32",
                               value_type_name(found->second.type())));
  }
  if (!std::has_single_bit(*alignment) || *alignment < kMinAlignment ||
      *alignment > kMaxAlignment) {
    return corrupt(
        fmt::format("metadata key 'general.alignment' is {}; expected a power of two "
                    "from {} to {}",
                    *alignment, kMinAlignment, kMaxAlignment));
  }
  alignment_ = *alignment;
  return {};
}

Status Reader::read_directory() {
  // No reserve() by the claimed count: the list grows only as entries are really there.
  for (uint64_t i = 0; i < tensor_count_; ++i) {
    CHASQUI_TRY(Tensor tensor, read_tensor(i));
    part_.tensors.push_back(std::move(tensor));
  }
  return {};
}

Result<Tensor> Reader::read_tensor(uint64_t index) {
  Tensor tensor;
  CHASQUI_TRY(tensor.name, read_tensor_name(index));
  CHASQUI_TRY_STATUS(read_dims(tensor));
  CHASQUI_TRY_STATUS(read_type(tensor));
  const auto offset = cursor_.take<uint64_t>();
  if (!offset) return truncated("the offset of tensor " + quote_name(tensor.name));
  tensor.offset = *offset;  // within the data section, until place_tensors()
  return tensor;
}

Result<std::string> Reader::read_tensor_name(uint64_t index) {
  const auto length = cursor_.take<uint64_t>();
  if (!length) return truncated(fmt::format("the name of tensor number {}", index));
  if (*length == 0 || *length > kMaxTensorNameBytes) {
    return corrupt(fmt::format("tensor number {} has a name of {} bytes; allowed are 1 to {}",
                               index, *length, kMaxTensorNameBytes));
  }
  const auto bytes = cursor_.take_bytes(*length);
  if (!bytes) return truncated(fmt::format("the name of tensor number {}", index));
  return std::string(as_text(*bytes));
}

Status Reader::read_dims(Tensor& tensor) {
  const auto n_dims = cursor_.take<uint32_t>();
  if (!n_dims) return truncated("the shape of tensor " + quote_name(tensor.name));
  if (*n_dims > tensor.view.dims.size()) {
    return corrupt(fmt::format("tensor {} has {} dimensions; allowed are 1 to {}",
                               quote_name(tensor.name), *n_dims, tensor.view.dims.size()));
  }
  // numpy writes a scalar with no dimensions at all; it is one value.
  tensor.n_dims = std::max(1, static_cast<int>(*n_dims));
  uint64_t elements = 1;
  for (uint32_t i = 0; i < *n_dims; ++i) {
    const auto dim = cursor_.take<uint64_t>();
    if (!dim) return truncated("the shape of tensor " + quote_name(tensor.name));
    const auto product = checked_mul(elements, *dim);
    if (*dim == 0 || !product || *product > std::numeric_limits<int64_t>::max()) {
      return corrupt(
          fmt::format("dimension {} of tensor {} is {}; dimensions must be positive and "
                      "their product below 2^63",
                      i, quote_name(tensor.name), *dim));
    }
    elements = *product;
    tensor.view.dims[i] = static_cast<int64_t>(*dim);
  }
  return {};
}

Status Reader::read_type(Tensor& tensor) {
  const auto code = cursor_.take<uint32_t>();
  if (!code) return truncated("the type of tensor " + quote_name(tensor.name));
  const DTypeInfo* info = find_dtype(*code);
  if (info == nullptr) {
    return fail(ErrorCode::kUnsupported,
                fmt::format("{}: tensor {} has type code {}, which this version does not know",
                            name_, quote_name(tensor.name), *code));
  }
  tensor.view.type = info->type;
  if (tensor.view.cols() % info->block_values != 0) {
    return corrupt(
        fmt::format("tensor {} has rows of {} values, which is not a multiple of the {} "
                    "block size {}",
                    quote_name(tensor.name), tensor.view.cols(), info->name, info->block_values));
  }
  return {};
}

// The data section starts at the first aligned byte after the directory.
Status Reader::place_tensors() {
  if (part_.tensors.empty()) return {};
  const auto data_start = checked_align_up(cursor_.offset(), alignment_);
  if (!data_start || *data_start > bytes_.size()) return truncated("the padding before the data");
  for (Tensor& tensor : part_.tensors) CHASQUI_TRY_STATUS(place_tensor(tensor, *data_start));
  return check_overlaps();
}

Status Reader::place_tensor(Tensor& tensor, uint64_t data_start) {
  // Kernels may rely on the alignment, so it is a promise and not a habit.
  if (tensor.offset % alignment_ != 0) {
    return corrupt(
        fmt::format("tensor {} has offset {}, which is not a multiple of the alignment "
                    "{}",
                    quote_name(tensor.name), tensor.offset, alignment_));
  }
  const auto row = row_bytes(tensor.view.type, static_cast<uint64_t>(tensor.view.cols()));
  const auto rows = static_cast<uint64_t>(tensor.view.elements() / tensor.view.cols());
  const auto size = row ? checked_mul(*row, rows) : std::nullopt;
  const uint64_t available = bytes_.size() - data_start;
  if (!size || tensor.offset > available || *size > available - tensor.offset) {
    return corrupt(
        fmt::format("tensor {} of {} rows of {} bytes at offset {} does not fit in the "
                    "{} bytes of data in the file; it is damaged or was not copied "
                    "completely",
                    quote_name(tensor.name), rows, row.value_or(0), tensor.offset, available));
  }
  tensor.offset += data_start;
  tensor.view.bytes = bytes_.subspan(tensor.offset, *size);
  return {};
}

// Overlapping tensors would be harmless to read, but no writer makes them: the file is damaged.
Status Reader::check_overlaps() const {
  std::vector<const Tensor*> order;
  for (const Tensor& tensor : part_.tensors) order.push_back(&tensor);
  std::ranges::sort(order, {}, &Tensor::offset);
  for (size_t i = 1; i < order.size(); ++i) {
    const Tensor& before = *order[i - 1];
    if (before.offset + before.view.bytes.size() <= order[i]->offset) continue;
    return corrupt(fmt::format("tensors {} and {} lie over each other", quote_name(before.name),
                               quote_name(order[i]->name)));
  }
  return {};
}

}  // namespace chasqui::gguf
