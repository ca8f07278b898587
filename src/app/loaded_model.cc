#include "app/loaded_model.h"

#include <fmt/format.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <set>

#include "app/cache_tier.h"
#include "app/memory_plan.h"
#include "app/model_source.h"
#include "app/progress_bar.h"
#include "backend/cpu/cpu_backend.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/memory_lock.h"

namespace chasqui::app {
namespace {

Result<std::unique_ptr<backend::Backend>> make_backend(const Settings& settings,
                                                       const gguf::File& file) {
  backend::cpu::CpuOptions options;
  options.threads = static_cast<int>(std::max<int64_t>(settings.n_threads, 0));
  options.isa = settings.cpu_isa;
  options.exact = settings.exact;
  options.pack_weights = settings.pack_weights;
  options.pack_cache = settings.pack_cache;
  options.model_key = model_fingerprint(file);
  options.pin_threads = settings.pin_threads;
  options.numa = settings.numa;
  return backend::cpu::make_cpu_backend(options);
}

model::RopeOverrides rope_overrides(const Settings& settings) {
  model::RopeOverrides rope;
  if (settings.rope_scaling_type >= 0) {
    rope.scaling = static_cast<model::RopeScaling>(settings.rope_scaling_type);
  }
  if (settings.rope_freq_base > 0) rope.base = settings.rope_freq_base;
  if (settings.rope_freq_scale > 0) rope.factor = 1.0 / settings.rope_freq_scale;
  if (settings.yarn_ext_factor >= 0) rope.yarn_extrapolation = settings.yarn_ext_factor;
  if (settings.yarn_orig_ctx > 0) rope.original_context = settings.yarn_orig_ctx;
  // These three have values of their own as defaults; only a changed one goes before the file.
  const Settings defaults = default_settings();
  if (settings.yarn_attn_factor != defaults.yarn_attn_factor) {
    rope.attention_factor = settings.yarn_attn_factor;
  }
  if (settings.yarn_beta_fast != defaults.yarn_beta_fast) {
    rope.yarn_beta_fast = settings.yarn_beta_fast;
  }
  if (settings.yarn_beta_slow != defaults.yarn_beta_slow) {
    rope.yarn_beta_slow = settings.yarn_beta_slow;
  }
  return rope;
}

// A server blocks the signals that stop it, to end in order. While it loads there is no order to
// keep: one that came ends the process, with the exit code that a shell gives.
void stop_if_told() {
  sigset_t pending;
  if (::sigpending(&pending) != 0) return;
  for (const int signal : {SIGINT, SIGTERM}) {
    if (sigismember(&pending, signal) == 1) ::_exit(128 + signal);
  }
}

// Repacked weights have memory of their own. Pages of a mapped file went when they were packed; of
// a file that was read in, the tensors that nobody reads are forgotten.
void drop_packed_tensors(const gguf::File& file, const model::Model& model) {
  std::set<const std::byte*> read;
  for (const auto& memory : model.weight_memory()) read.insert(memory.data());
  for (const gguf::Tensor& tensor : file.tensors()) {
    if (read.contains(tensor.view.bytes.data())) continue;
    file.parts()[static_cast<size_t>(tensor.part)].forget(tensor.offset, tensor.view.bytes.size());
  }
}

// The kernel refuses what is beyond the limit: the server then runs as without the setting.
void lock_weights(const model::Model& model) {
  const MemoryLockReport report = lock_memory(model.weight_memory());
  if (report.reason.empty()) {
    spdlog::info("use_mlock: all weights ({}) are locked into memory",
                 format_bytes(report.locked_bytes));
    return;
  }
  const uint64_t needed = report.locked_before + report.wanted_bytes;
  spdlog::warn(
      "use_mlock: only {} of {} of weights are locked into memory ({}), the rest may be paged out. "
      "This process may lock {} (RLIMIT_MEMLOCK) and needs {}: start it after `ulimit -l {}`, or "
      "with LimitMEMLOCK={} in its systemd unit, or --ulimit memlock={} in docker",
      format_bytes(report.locked_bytes), format_bytes(report.wanted_bytes), report.reason,
      report.limit_bytes == UINT64_MAX ? "as much as there is" : format_bytes(report.limit_bytes),
      format_bytes(needed), (needed + 1023) / 1024, needed, needed);
}

}  // namespace

std::string model_fingerprint(const gguf::File& file) {
  Hash128 hash;
  for (const MappedFile& part : file.parts()) {
    std::error_code error;
    const auto time = std::filesystem::last_write_time(part.path(), error);
    const std::string facts = fmt::format("{}|{}|{}", part.path(), part.bytes().size(),
                                          error ? 0 : time.time_since_epoch().count());
    hash = hash_bytes(std::as_bytes(std::span(facts)), hash);
    hash = hash_bytes(part.bytes().first(std::min<size_t>(part.bytes().size(), 1 << 16)), hash);
  }
  return fmt::format("{:016x}{:016x}", hash.high, hash.low);
}

model::CacheOptions cache_types(const Settings& settings) {
  model::CacheOptions options;
  // The settings table allows only names of types.
  options.key_type = settings.exact ? DType::kF32 : find_dtype(settings.type_k)->type;
  options.value_type = settings.exact ? DType::kF32 : find_dtype(settings.type_v)->type;
  return options;
}

Result<LoadedModel> load_model(const LoadRequest& request, const Settings& settings) {
  const auto begin = std::chrono::steady_clock::now();
  LoadedModel loaded;
  CHASQUI_TRY(gguf::File file, open_model(request.path, settings));
  loaded.file = std::make_unique<gguf::File>(std::move(file));
  if (request.with_tokenizer) {
    CHASQUI_TRY(loaded.tokenizer, text::Tokenizer::load(*loaded.file));
  }
  CHASQUI_TRY(loaded.backend, make_backend(settings, *loaded.file));
  if (request.wrap) loaded.backend = request.wrap(std::move(loaded.backend));
  ProgressBar bar("loading " + std::filesystem::path(request.path).filename().string());
  model::LoadOptions options;
  options.max_rows = request.max_rows;
  if (request.least_rows) {
    CHASQUI_TRY(const model::ModelSpec spec, model::read_spec(*loaded.file));
    options.max_rows = std::max(options.max_rows, request.least_rows(spec));
  }
  options.max_logit_rows = request.max_logit_rows;
  options.context = settings.n_ctx;
  options.rope = rope_overrides(settings);
  options.progress = [&bar](double done) {
    bar.update(done);
    stop_if_told();
  };
  CHASQUI_TRY(loaded.model, model::Model::load(*loaded.file, *loaded.backend, options));
  if (settings.cache) loaded.tensor_samples = tensor_samples(*loaded.file);
  drop_packed_tensors(*loaded.file, *loaded.model);
  if (settings.use_mlock) lock_weights(*loaded.model);
  loaded.load_seconds = seconds_between(begin, std::chrono::steady_clock::now());
  return loaded;
}

}  // namespace chasqui::app
