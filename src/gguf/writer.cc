#include "gguf/writer.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <unordered_set>

#include "base/check.h"
#include "base/checked_math.h"

namespace chasqui::gguf {
namespace {

constexpr uint32_t kVersion = 3;
constexpr std::string_view kAlignmentKey = "general.alignment";

// GGUF numbers are little-endian and are written as they lie.
static_assert(std::endian::native == std::endian::little);

template <typename T>
void put(std::string& out, T value) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  out.append(bytes, sizeof(T));
}

void put_string(std::string& out, std::string_view text) {
  put<uint64_t>(out, text.size());
  out.append(text);
}

void put_bytes(std::string& out, std::span<const std::byte> bytes) {
  out.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

void put_array_head(std::string& out, ValueType element, size_t count) {
  put(out, ValueType::kArray);
  put(out, element);
  put<uint64_t>(out, count);
}

uint64_t padding(uint64_t size, uint64_t alignment) {
  return (alignment - size % alignment) % alignment;
}

}  // namespace

struct Writer::State {
  std::unordered_set<std::string> keys;
  std::string metadata;  // serialised
  uint64_t alignment = 32;

  std::unordered_set<std::string> tensor_names;
  std::string directory;               // serialised
  std::vector<uint64_t> tensor_bytes;  // in declaration order
  uint64_t data_bytes = 0;             // of the tensors declared so far, padded

  // From open() on. The file grows under `temporary` and gets its name in finish(), so that a
  // half-written model is never found under a model's name.
  std::FILE* file = nullptr;
  std::string path;
  std::string temporary;
  size_t tensor = 0;     // being written; == tensor_bytes.size() when all are complete
  uint64_t written = 0;  // bytes of it

  ~State() { discard(); }

  void discard() {
    if (file == nullptr) return;
    std::fclose(file);
    file = nullptr;
    ::unlink(temporary.c_str());
  }

  // A disk that fills up after minutes of writing is found out before. Another process may still
  // take the room meanwhile; a file system that cannot be asked is tried.
  Status check_space() const {
    struct statvfs disk = {};
    const std::string folder = std::filesystem::path(path).parent_path().string();
    if (::statvfs(folder.empty() ? "." : folder.c_str(), &disk) != 0) return {};
    const uint64_t room = static_cast<uint64_t>(disk.f_bavail) * disk.f_frsize;
    const uint64_t size = metadata.size() + directory.size() + data_bytes;
    if (size <= room) return {};
    return fail(ErrorCode::kIo,
                fmt::format("{} takes {:.1f} GB, but the disk has {:.1f} GB free", path,
                            static_cast<double>(size) * 1e-9, static_cast<double>(room) * 1e-9));
  }

  void begin_value(std::string_view key) {
    CHASQUI_CHECK(file == nullptr, "metadata key {} added after open()", key);
    CHASQUI_CHECK(keys.emplace(key).second, "metadata key {} added twice", key);
    put_string(metadata, key);
  }

  void set_alignment(uint64_t value) {
    CHASQUI_CHECK(std::has_single_bit(value) && value >= 8, "alignment {}", value);
    CHASQUI_CHECK(tensor_bytes.empty(), "alignment set after a tensor was declared");
    alignment = value;
  }

  Status put_out(const void* bytes, size_t size) {
    if (std::fwrite(bytes, 1, size, file) == size) return {};
    return os_error("cannot write");
  }

  Status put_padding(uint64_t size) {
    const std::string zeros(padding(size, alignment), '\0');
    return put_out(zeros.data(), zeros.size());
  }

  tl::unexpected<Error> os_error(const char* what) const {
    return fail(ErrorCode::kIo, fmt::format("{} {}: {}", what, path, std::strerror(errno)));
  }
};

Writer::Writer() : state_(std::make_unique<State>()) {}
Writer::~Writer() = default;
Writer::Writer(Writer&&) noexcept = default;
Writer& Writer::operator=(Writer&&) noexcept = default;

void Writer::add_uint32(std::string_view key, uint32_t value) {
  if (key == kAlignmentKey) state_->set_alignment(value);
  state_->begin_value(key);
  put(state_->metadata, ValueType::kUint32);
  put(state_->metadata, value);
}

void Writer::add_int32(std::string_view key, int32_t value) {
  state_->begin_value(key);
  put(state_->metadata, ValueType::kInt32);
  put(state_->metadata, value);
}

void Writer::add_uint64(std::string_view key, uint64_t value) {
  state_->begin_value(key);
  put(state_->metadata, ValueType::kUint64);
  put(state_->metadata, value);
}

void Writer::add_float32(std::string_view key, float value) {
  state_->begin_value(key);
  put(state_->metadata, ValueType::kFloat32);
  put(state_->metadata, value);
}

void Writer::add_bool(std::string_view key, bool value) {
  state_->begin_value(key);
  put(state_->metadata, ValueType::kBool);
  put<uint8_t>(state_->metadata, value ? 1 : 0);
}

void Writer::add_string(std::string_view key, std::string_view value) {
  state_->begin_value(key);
  put(state_->metadata, ValueType::kString);
  put_string(state_->metadata, value);
}

void Writer::add_strings(std::string_view key, std::span<const std::string> values) {
  state_->begin_value(key);
  put_array_head(state_->metadata, ValueType::kString, values.size());
  for (const std::string& value : values) put_string(state_->metadata, value);
}

void Writer::add_uint8s(std::string_view key, std::span<const uint8_t> values) {
  state_->begin_value(key);
  put_array_head(state_->metadata, ValueType::kUint8, values.size());
  put_bytes(state_->metadata, std::as_bytes(values));
}

void Writer::add_int32s(std::string_view key, std::span<const int32_t> values) {
  state_->begin_value(key);
  put_array_head(state_->metadata, ValueType::kInt32, values.size());
  put_bytes(state_->metadata, std::as_bytes(values));
}

void Writer::add_float32s(std::string_view key, std::span<const float> values) {
  state_->begin_value(key);
  put_array_head(state_->metadata, ValueType::kFloat32, values.size());
  put_bytes(state_->metadata, std::as_bytes(values));
}

void Writer::add_value(std::string_view key, const Value& value) {
  if (key == kAlignmentKey) {
    const auto alignment = value.as_uint();
    CHASQUI_CHECK(alignment, "{} is no number", kAlignmentKey);
    state_->set_alignment(*alignment);
  }
  state_->begin_value(key);
  std::string& out = state_->metadata;
  const bool array = value.type() == ValueType::kArray;
  if (array) {
    put_array_head(out, value.element_type(), value.array_size());
  } else {
    put(out, value.type());
  }
  if (value.type() == ValueType::kString) return put_string(out, *value.as_string());
  if (!array || value.element_type() != ValueType::kString) return put_bytes(out, value.raw());
  for (size_t i = 0; i < value.array_size(); ++i) put_string(out, *value.string_at(i));
}

void Writer::declare_tensor(std::string_view name, DType type, std::span<const int64_t> dims) {
  State& state = *state_;
  CHASQUI_CHECK(state.file == nullptr, "tensor {} declared after open()", name);
  CHASQUI_CHECK(state.tensor_names.emplace(name).second, "tensor {} declared twice", name);
  CHASQUI_CHECK(!dims.empty() && dims.size() <= 4, "tensor {} has {} dimensions", name,
                dims.size());
  put_string(state.directory, name);
  put<uint32_t>(state.directory, static_cast<uint32_t>(dims.size()));
  std::optional<uint64_t> bytes = row_bytes(type, static_cast<uint64_t>(dims[0]));
  for (size_t i = 0; i < dims.size(); ++i) {
    CHASQUI_CHECK(dims[i] > 0, "tensor {} has dimension {}", name, dims[i]);
    put<uint64_t>(state.directory, static_cast<uint64_t>(dims[i]));
    if (i > 0 && bytes) bytes = checked_mul(*bytes, static_cast<uint64_t>(dims[i]));
  }
  CHASQUI_CHECK(bytes, "tensor {}: rows of {} values are not whole {} blocks, or too many", name,
                dims[0], dtype_info(type).name);
  put(state.directory, type);
  put<uint64_t>(state.directory, state.data_bytes);
  state.tensor_bytes.push_back(*bytes);
  state.data_bytes += *bytes + padding(*bytes, state.alignment);
}

Status Writer::open(const std::string& path, bool overwrite) {
  State& state = *state_;
  CHASQUI_CHECK(state.path.empty(), "open() called twice");
  state.path = path;
  struct stat found = {};
  if (::stat(path.c_str(), &found) == 0) {
    if (!overwrite) return fail(ErrorCode::kInvalidArgument, path + " exists already");
    // The rename at the end would put a file in the place of a device.
    if (!S_ISREG(found.st_mode)) {
      return fail(ErrorCode::kInvalidArgument, path + " is not a regular file");
    }
  }
  // The process id keeps two writers of the same file apart; the last to finish wins.
  state.temporary = fmt::format("{}.unfinished-{}", path, ::getpid());
  CHASQUI_TRY_STATUS(state.check_space());
  state.file = std::fopen(state.temporary.c_str(), "wbe");
  if (state.file == nullptr) return state.os_error("cannot create");

  std::string head = "GGUF";
  put(head, kVersion);
  put<uint64_t>(head, state.tensor_bytes.size());
  put<uint64_t>(head, state.keys.size());
  head += state.metadata;
  head += state.directory;
  CHASQUI_TRY_STATUS(state.put_out(head.data(), head.size()));
  return state.put_padding(head.size());
}

Status Writer::append(std::span<const std::byte> bytes) {
  State& state = *state_;
  CHASQUI_CHECK(state.file != nullptr, "append() without open()");
  while (!bytes.empty()) {
    if (state.tensor == state.tensor_bytes.size()) {
      return fail(ErrorCode::kInternal,
                  fmt::format("{}: {} bytes more than the declared tensors take", state.path,
                              bytes.size()));
    }
    const uint64_t size = state.tensor_bytes[state.tensor];
    const auto piece = bytes.first(std::min<uint64_t>(bytes.size(), size - state.written));
    CHASQUI_TRY_STATUS(state.put_out(piece.data(), piece.size()));
    bytes = bytes.subspan(piece.size());
    state.written += piece.size();
    if (state.written < size) continue;
    CHASQUI_TRY_STATUS(state.put_padding(size));
    ++state.tensor;
    state.written = 0;
  }
  return {};
}

Status Writer::finish() {
  State& state = *state_;
  CHASQUI_CHECK(state.file != nullptr, "finish() without open()");
  if (state.tensor != state.tensor_bytes.size()) {
    return fail(ErrorCode::kInternal,
                fmt::format("{}: only {} of {} tensors were written", state.path, state.tensor,
                            state.tensor_bytes.size()));
  }
  if (std::fflush(state.file) != 0 || ::fsync(::fileno(state.file)) != 0) {
    return state.os_error("cannot write");
  }
  if (std::rename(state.temporary.c_str(), state.path.c_str()) != 0) {
    return state.os_error("cannot create");
  }
  std::FILE* file = std::exchange(state.file, nullptr);
  if (std::fclose(file) != 0) return state.os_error("cannot close");
  return {};
}

}  // namespace chasqui::gguf
