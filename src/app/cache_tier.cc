#include "app/cache_tier.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <utility>

#include "app/memory_plan.h"
#include "base/hash.h"
#include "kv/disk_store.h"
#include "kv/ram_store.h"

namespace chasqui::app {
namespace {

// Of each tensor's bytes, from its beginning, middle and end. A model that was trained further
// differs in every one of them; what the samples miss, the file's time of change shows.
constexpr size_t kSampleBytes = 4096;

Hash128 hash_text(std::string_view text, const Hash128& seed) {
  return hash_bytes(std::as_bytes(std::span(text)), seed);
}

// Kernels may change what they round from one build to the next, and where a block keeps what.
Hash128 hash_program(const Hash128& seed) {
  const auto program = MappedFile::open("/proc/self/exe");
  return program ? hash_bytes(program->bytes(), seed) : seed;
}

// LongRoPE rotates by other factors where the context is longer than the training's.
bool takes_long_factors(const LoadedModel& loaded) {
  return std::ranges::any_of(loaded.model->spec().ropes, [&](const model::RopeSpec& rope) {
    return rope.factors == model::RopeFactors::kByContext &&
           loaded.model->options().context > rope.original_context;
  });
}

Hash128 hash_settings(const Settings& settings, const LoadedModel& loaded, const Hash128& seed) {
  const std::string facts =
      fmt::format("{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}", loaded.backend->name(),
                  settings.type_k, settings.type_v, settings.exact, settings.pack_weights,
                  settings.rope_scaling_type, settings.rope_freq_base, settings.rope_freq_scale,
                  settings.yarn_ext_factor, settings.yarn_attn_factor, settings.yarn_beta_fast,
                  settings.yarn_beta_slow, settings.yarn_orig_ctx, takes_long_factors(loaded));
  // The file's own header is hashed as it lies on the disk.
  return hash_text(fmt::format("{}", fmt::join(settings.kv_overrides, "\n")),
                   hash_text(facts, seed));
}

Hash128 hash_tensor(const gguf::Tensor& tensor, const Hash128& seed) {
  const TensorView& view = tensor.view;
  const std::span<const std::byte> bytes = view.bytes;
  Hash128 hash = hash_text(
      fmt::format("{}|{}|{}", tensor.name, static_cast<int>(view.type), fmt::join(view.dims, ",")),
      seed);
  const size_t sample = std::min(kSampleBytes, bytes.size());
  const size_t last = bytes.size() - sample;
  for (const size_t offset : {size_t{0}, last / 2, last}) {
    hash = hash_bytes(bytes.subspan(offset, sample), hash);
  }
  return hash;
}

// The bytes before the first tensor: metadata and the tensors' table.
Hash128 hash_part(const gguf::File& file, size_t index, const Hash128& seed) {
  const MappedFile& part = file.parts()[index];
  std::error_code error;
  const auto time = std::filesystem::last_write_time(part.path(), error);
  const std::string facts =
      fmt::format("{}|{}", part.bytes().size(), error ? 0 : time.time_since_epoch().count());
  uint64_t header = part.bytes().size();
  for (const gguf::Tensor& tensor : file.tensors()) {
    if (static_cast<size_t>(tensor.part) == index) header = std::min(header, tensor.offset);
  }
  return hash_bytes(part.bytes().first(header), hash_text(facts, seed));
}

void warn_without_cache(const Settings& settings) {
  const Settings defaults = default_settings();
  if (settings.cache_type != defaults.cache_type || settings.cache_size != defaults.cache_size ||
      settings.cache_dir != defaults.cache_dir) {
    spdlog::warn("cache_type, cache_size and cache_dir have no effect without cache");
  }
}

int64_t bytes_of_block(const LoadedModel& loaded, const Settings& settings) {
  const model::CacheOptions cache = cache_types(settings);
  int64_t bytes = 0;
  for (const CacheSpec& group : loaded.model->cache_groups(cache.key_type, cache.value_type)) {
    bytes += group.bytes_per_block;
  }
  return bytes;
}

Result<std::unique_ptr<kv::BlockStore>> make_store(const Settings& settings,
                                                   const std::string& model_path) {
  if (settings.cache_type == "ram") {
    std::random_device entropy;
    const uint64_t secret = (static_cast<uint64_t>(entropy()) << 32) | entropy();
    return kv::make_ram_store(settings.cache_size, secret);
  }
  const std::string folder = cache_folder(settings, model_path);
  if (folder.empty()) {
    return fail(ErrorCode::kInvalidArgument,
                "neither XDG_CACHE_HOME nor HOME is set; name a folder (cache_dir)", "cache_dir");
  }
  return kv::open_disk_store(folder, settings.cache_size);
}

}  // namespace

std::string cache_folder(const Settings& settings, const std::string& model_path) {
  std::string base = settings.cache_dir;
  if (base.empty()) {
    const auto variable = [](const char* name) {
      const char* text = std::getenv(name);
      return std::string(text != nullptr ? text : "");
    };
    const std::string xdg = variable("XDG_CACHE_HOME");
    const std::string home = variable("HOME");
    if (xdg.starts_with('/')) {
      base = xdg + "/chasqui/kv";
    } else if (!home.empty()) {
      base = home + "/.cache/chasqui/kv";
    } else {
      return "";
    }
  }
  std::error_code error;
  const std::filesystem::path path = std::filesystem::absolute(model_path, error);
  return fmt::format("{}/{}-{:08x}", base, path.stem().string(),
                     static_cast<uint32_t>(hash_text(path.lexically_normal().string(), {}).low));
}

Hash128 tensor_samples(const gguf::File& file) {
  Hash128 hash;
  for (const gguf::Tensor& tensor : file.tensors()) hash = hash_tensor(tensor, hash);
  return hash;
}

Hash128 cache_fingerprint(const Settings& settings, const LoadedModel& loaded) {
  Hash128 hash = hash_settings(settings, loaded, hash_program({}));
  for (size_t i = 0; i < loaded.file->parts().size(); ++i) hash = hash_part(*loaded.file, i, hash);
  return hash_bytes(std::as_bytes(std::span(&loaded.tensor_samples, 1)), hash);
}

engine::EngineTier open_cache_tier(const Settings& settings, const LoadedModel& loaded) {
  if (!settings.cache) {
    warn_without_cache(settings);
    return {};
  }
  if (!settings.prefix_cache) {
    spdlog::warn("cache has no effect without prefix_cache, of which it is the second tier");
    return {};
  }
  const int64_t block = bytes_of_block(loaded, settings);
  if (settings.cache_size < 4 * block) {
    spdlog::warn("cache has no effect: cache_size is {}, and {} tokens of this model take {}",
                 settings.cache_size, backend::kKvBlockTokens,
                 format_bytes(static_cast<uint64_t>(block)));
    return {};
  }
  const auto most = static_cast<int64_t>(machine_memory_bytes());
  if (settings.cache_type == "ram" && settings.cache_size > most) {
    spdlog::warn("cache_size is {}, but this machine has {}",
                 format_bytes(static_cast<uint64_t>(settings.cache_size)),
                 format_bytes(static_cast<uint64_t>(most)));
  }
  auto store = make_store(settings, loaded.file->path());
  if (!store) {
    spdlog::warn("cache: {}; going on without it", store.error().message);
    return {};
  }
  const kv::StoreStats stats = (*store)->stats();
  spdlog::info("cache in {}: {} of {}, {} blocks of {} tokens", (*store)->describe(),
               format_bytes(static_cast<uint64_t>(stats.bytes)),
               format_bytes(static_cast<uint64_t>(stats.capacity)), stats.records,
               backend::kKvBlockTokens);
  return {std::move(*store), cache_fingerprint(settings, loaded)};
}

}  // namespace chasqui::app
