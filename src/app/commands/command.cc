#include "app/commands/command.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace chasqui::app {
namespace {

// Of a list on the command line; a bound that CLI11 wants.
constexpr int kMostValues = 1024;

// "--n_ctx,--n-ctx", or one spelling where both are the same.
std::string flag_names(std::string_view name) {
  std::string dashed(name);
  std::ranges::replace(dashed, '_', '-');
  if (dashed == name) return "--" + dashed;
  return fmt::format("--{},--{}", name, dashed);
}

std::string help_text(const Setting& row) {
  const std::string shown = row.default_text.empty() ? "none" : std::string(row.default_text);
  std::string text = fmt::format("{} ({}; default {})", row.help, allowed_values(row), shown);
  if (row.effect != Effect::kFull) text += fmt::format(" - no effect: {}", row.reason);
  return text;
}

}  // namespace

std::shared_ptr<SettingOptions> SettingOptions::add(CLI::App& parser,
                                                    std::vector<std::string_view> only) {
  auto options = std::make_shared<SettingOptions>();
  for (const Setting& row : settings_table()) {
    if (!only.empty() && std::ranges::find(only, row.name) == only.end()) continue;
    const bool is_switch = std::holds_alternative<bool Settings::*>(row.field);
    const bool is_list = std::holds_alternative<std::vector<std::string> Settings::*>(row.field) ||
                         std::holds_alternative<std::vector<double> Settings::*>(row.field);
    const auto remember = [options = options.get(), name = std::string(row.name),
                           is_switch](const std::vector<std::string>& values) {
      const std::string text = fmt::format("{}", fmt::join(values, ","));
      // A switch without a value is on.
      options->give(name, is_switch && text.empty() ? "true" : text);
      return true;
    };
    CLI::Option* option = parser.add_option(flag_names(row.name), remember, help_text(row));
    option->type_name(is_switch ? "[BOOL]" : is_list ? "VALUE ..." : "VALUE");
    option->expected(is_switch ? 0 : 1, is_list ? kMostValues : 1);
    // Given twice, the later one counts: a script may add to what a container begins with.
    if (!is_list) option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  }
  return options;
}

Result<Settings> SettingOptions::resolve() const {
  return resolve_settings(given_, process_environment());
}

Result<Configuration> SettingOptions::resolve_models() const {
  return resolve_configuration(given_, process_environment());
}

std::vector<std::string_view> compute_settings() {
  return {"n_threads",
          "type_k",
          "type_v",
          "cpu_isa",
          "exact",
          "pack_weights",
          "pack_cache",
          "pin_threads",
          "numa",
          "use_mmap",
          "use_mlock",
          "kv_overrides",
          "rope_scaling_type",
          "rope_freq_base",
          "rope_freq_scale",
          "verbose"};
}

}  // namespace chasqui::app
