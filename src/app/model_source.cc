#include "app/model_source.h"

#include <fmt/format.h>
#include <signal.h>
#include <spdlog/spdlog.h>

#include <cstdlib>

#include "app/progress_bar.h"

namespace chasqui::app {
namespace {

bool is_told_to_stop() {
  sigset_t pending;
  if (::sigpending(&pending) != 0) return false;
  return sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1;
}

tl::unexpected<Error> about(const char* setting, Error error) {
  error.message = fmt::format("{}: {}", setting, error.message);
  error.param = setting;
  return fail(std::move(error));
}

Result<std::vector<gguf::Override>> parse_overrides(const std::vector<std::string>& texts) {
  std::vector<gguf::Override> overrides;
  for (const std::string& text : texts) {
    auto parsed = gguf::parse_override(text);
    if (!parsed) return about("kv_overrides", parsed.error());
    overrides.push_back(std::move(*parsed));
  }
  return overrides;
}

}  // namespace

Result<hub::PulledModel> pull_model(const hub::ModelReference& reference) {
  const auto variable = [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
  CHASQUI_TRY(const hub::HubOptions options, hub::options_from_environment(variable));
  ProgressBar bar(reference.repo);
  return hub::pull(reference, options,
                   {.progress = [&bar](double done) { bar.update(done); },
                    .note = [](const std::string& text) { spdlog::info("{}", text); },
                    .stop = is_told_to_stop});
}

Result<std::string> find_model(const Settings& settings) {
  if (settings.hf_model_repo_id.empty()) return settings.model;
  auto reference = hub::parse_reference(settings.hf_model_repo_id);
  if (!reference) return about("hf_model_repo_id", reference.error());
  if (!settings.model.empty() && !reference->file.empty()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("hf_model_repo_id names {} and model names {}: give one of them",
                            reference->file, settings.model),
                "model");
  }
  if (!settings.model.empty()) reference->file = settings.model;
  auto pulled = pull_model(*reference);
  if (!pulled) return about("hf_model_repo_id", pulled.error());
  return pulled->path;
}

Result<gguf::File> open_model(const std::string& path, const Settings& settings) {
  CHASQUI_TRY(const auto overrides, parse_overrides(settings.kv_overrides));
  CHASQUI_TRY(gguf::File file,
              gguf::File::open(path, settings.use_mmap ? FileAccess::kMap : FileAccess::kRead));
  const auto added = file.override_metadata(overrides);
  if (!added) return about("kv_overrides", added.error());
  for (const std::string& key : *added) {
    spdlog::warn("kv_overrides: {} has no {}; it is added, for whatever reads it", path, key);
  }
  return file;
}

}  // namespace chasqui::app
