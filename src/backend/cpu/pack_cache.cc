#include "backend/cpu/pack_cache.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <span>
#include <system_error>
#include <type_traits>
#include <utility>

#include "backend/cpu/pack.h"

namespace chasqui::backend::cpu {
namespace {

constexpr char kMagic[8] = {'c', 'h', 'a', 's', 'q', 'p', 'a', 'k'};

// The start of a file, in the byte order of the machine (a cache does not travel).
struct Header {
  char magic[8];
  uint32_t pack_version;
  uint32_t type;
  int64_t dims[4];
  uint64_t payload_bytes;
  Hash128 tensor;    // of model key and tensor name
  Hash128 checksum;  // of all before
};
static_assert(sizeof(Header) <= PackCache::kPayloadAt);
static_assert(std::has_unique_object_representations_v<Header>);  // compared as bytes

Hash128 hash_text(std::string_view text, Hash128 seed = {}) {
  return hash_bytes(std::as_bytes(std::span(text)), seed);
}

std::string hex(Hash128 hash) {
  return fmt::format("{:016x}{:016x}", hash.high, hash.low);
}

Header make_header(std::string_view model_key, std::string_view tensor_name, const TensorView& view,
                   size_t payload_bytes) {
  Header header = {};
  std::memcpy(header.magic, kMagic, sizeof(kMagic));
  header.pack_version = kPackVersion;
  header.type = static_cast<uint32_t>(view.type);
  for (size_t i = 0; i < 4; ++i) header.dims[i] = view.dims[i];
  header.payload_bytes = payload_bytes;
  header.tensor = hash_text(tensor_name, hash_text(model_key));
  header.checksum =
      hash_bytes({reinterpret_cast<const std::byte*>(&header), offsetof(Header, checksum)});
  return header;
}

}  // namespace

PackCache::PackCache(std::string folder, std::string model_key)
    : model_key_(std::move(model_key)), enabled_(!folder.empty() && !model_key_.empty()) {
  // The key is hashed: whatever it holds, it stays one name inside the folder.
  if (enabled_) {
    folder_ = fmt::format("{}/{}-v{}", folder, hex(hash_text(model_key_)), kPackVersion);
  }
}

std::string PackCache::path_of(std::string_view tensor_name) const {
  return fmt::format("{}/{}.panels", folder_, hex(hash_text(tensor_name)));
}

// What processes that were ended in the middle of packing left behind: names end in ".PID.tmp".
void PackCache::remove_leftovers() const {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, error)) {
    const std::filesystem::path name = entry.path().filename();
    if (name.extension() != ".tmp") continue;
    const std::string pid = name.stem().extension().string();  // ".1234"
    const bool gone =
        pid.size() > 1 && ::kill(std::atoi(pid.c_str() + 1), 0) != 0 && errno == ESRCH;
    if (gone) std::filesystem::remove(entry.path(), error);
  }
}

void PackCache::warn(const std::string& what) {
  if (!warned_) spdlog::warn("pack cache: {}; weights are packed in memory instead", what);
  warned_ = true;
}

std::optional<MappedFile> PackCache::find(std::string_view tensor_name, const TensorView& view,
                                          size_t payload_bytes) const {
  if (!enabled_) return std::nullopt;
  auto file = MappedFile::open(path_of(tensor_name));
  if (!file || file->bytes().size() != kPayloadAt + payload_bytes) return std::nullopt;
  const Header want = make_header(model_key_, tensor_name, view, payload_bytes);
  if (std::memcmp(file->bytes().data(), &want, sizeof(want)) != 0) return std::nullopt;
  return std::move(*file);
}

std::byte* PackCache::begin_store(std::string_view tensor_name, const TensorView& view,
                                  size_t payload_bytes) {
  if (!enabled_ || warned_) return nullptr;
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  if (final_.empty()) remove_leftovers();  // once, when the first tensor is stored
  final_ = path_of(tensor_name);
  temporary_ = fmt::format("{}.{}.tmp", final_, getpid());
  const int file = ::open(temporary_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) {
    warn(fmt::format("cannot write '{}': {}", temporary_, std::strerror(errno)));
    return nullptr;
  }
  mapping_bytes_ = kPayloadAt + payload_bytes;
  // Real blocks, not a hole: a full disk must be an error here and not a signal while packing.
  const int refused = posix_fallocate(file, 0, static_cast<off_t>(mapping_bytes_));
  void* mapping = MAP_FAILED;
  if (refused == 0) {
    mapping = ::mmap(nullptr, mapping_bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  }
  const int reason = refused != 0 ? refused : errno;
  ::close(file);
  if (mapping == MAP_FAILED) {
    ::unlink(temporary_.c_str());
    warn(fmt::format("no room for {} bytes in '{}': {}", mapping_bytes_, folder_,
                     std::strerror(reason)));
    return nullptr;
  }
  mapping_ = static_cast<std::byte*>(mapping);
  const Header header = make_header(model_key_, tensor_name, view, payload_bytes);
  std::memcpy(mapping_, &header, sizeof(header));
  return mapping_ + kPayloadAt;
}

bool PackCache::end_store() {
  ::munmap(mapping_, mapping_bytes_);
  mapping_ = nullptr;
  if (::rename(temporary_.c_str(), final_.c_str()) == 0) return true;
  warn(fmt::format("cannot rename '{}': {}", temporary_, std::strerror(errno)));
  ::unlink(temporary_.c_str());
  return false;
}

}  // namespace chasqui::backend::cpu
