#include "app/settings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iterator>

namespace chasqui::app {
namespace {

namespace json = boost::json;

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

std::string upper(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return out;
}

std::optional<bool> parse_bool(std::string_view text) {
  static constexpr std::string_view kTrue[] = {"1", "on", "t", "true", "y", "yes"};
  static constexpr std::string_view kFalse[] = {"0", "off", "f", "false", "n", "no"};
  const std::string word = lower(text);
  if (std::ranges::find(kTrue, word) != std::end(kTrue)) return true;
  if (std::ranges::find(kFalse, word) != std::end(kFalse)) return false;
  return std::nullopt;
}

// The whole of `text` as a number; nullopt for anything else, infinities and NaN included.
template <typename T>
std::optional<T> parse_number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (!std::isfinite(static_cast<double>(value))) return std::nullopt;
  return value;
}

// One overload a kind of field: true when `text` is an allowed value and was stored.
bool store(const Setting& row, std::string_view text, std::string& field) {
  if (!row.choices.empty() && std::ranges::find(row.choices, lower(text)) == row.choices.end()) {
    return false;
  }
  field = row.choices.empty() ? std::string(text) : lower(text);
  return true;
}

bool store(const Setting&, std::string_view text, bool& field) {
  const auto value = parse_bool(text);
  if (value) field = *value;
  return value.has_value();
}

template <typename Number>
bool store(const Setting& row, std::string_view text, Number& field) {
  const auto value = parse_number<Number>(text);
  if (!value) return false;
  const auto number = static_cast<double>(*value);
  if (number < row.min || number > row.max) return false;
  field = *value;
  return true;
}

Status read_config_file(const std::string& path, Settings& settings) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return fail(ErrorCode::kNotFound, "cannot read the config file " + path, "config_file");
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  boost::system::error_code error;
  const json::value document = json::parse(text, error);
  if (error || !document.is_object()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} is not a JSON object{}", path,
                            error ? ": " + error.message() : std::string()),
                "config_file");
  }
  for (const auto& [key, value] : document.get_object()) {
    const Setting* row = find_setting(std::string_view(key.data(), key.size()));
    if (row == nullptr || row->name == "config_file") {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("{}: there is no setting \"{}\"; `chasqui serve --help` lists them",
                              path, std::string_view(key.data(), key.size())),
                  std::string(key));
    }
    if (value.is_null()) continue;
    const std::string word =
        value.is_string() ? std::string(value.get_string()) : json::serialize(value);
    if (auto set = set_from_text(*row, word, settings); !set) {
      return fail(set.error().code, path + ": " + set.error().message, set.error().param);
    }
  }
  return {};
}

Status read_environment(const Environment& environment, Settings& settings) {
  for (const Setting& row : settings_table()) {
    const std::string plain = upper(row.name);
    for (const std::string& name : {std::string(row.name), plain, "CHASQUI_" + plain}) {
      const auto text = environment(name);
      if (!text) continue;
      if (auto set = set_from_text(row, *text, settings); !set) {
        return fail(set.error().code, name + " in the environment: " + set.error().message,
                    set.error().param);
      }
    }
  }
  return {};
}

}  // namespace

const Setting* find_setting(std::string_view name) {
  const auto rows = settings_table();
  const auto it = std::ranges::find(rows, name, &Setting::name);
  return it == rows.end() ? nullptr : &*it;
}

std::string allowed_values(const Setting& row) {
  if (std::holds_alternative<bool Settings::*>(row.field)) return "true or false";
  if (std::holds_alternative<int64_t Settings::*>(row.field)) {
    return fmt::format("an integer from {:.0f} to {:.0f}", row.min, row.max);
  }
  if (std::holds_alternative<double Settings::*>(row.field)) {
    return fmt::format("a number from {} to {}", row.min, row.max);
  }
  if (row.choices.empty()) return "a text";
  std::vector<std::string_view> shown;
  std::ranges::copy_if(row.choices, std::back_inserter(shown),
                       [](std::string_view choice) { return !choice.empty(); });
  return fmt::format("one of {}", fmt::join(shown, ", "));
}

Status set_from_text(const Setting& row, std::string_view text, Settings& settings) {
  const bool stored =
      std::visit([&](auto field) { return store(row, text, settings.*field); }, row.field);
  if (stored) return {};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("{} is \"{}\"; allowed is {}", row.name, text, allowed_values(row)),
              std::string(row.name));
}

Settings default_settings() {
  Settings settings;
  for (const Setting& row : settings_table()) {
    // A default outside its own bounds is caught by settings_test.
    (void)set_from_text(row, row.default_text, settings);
  }
  return settings;
}

std::optional<std::string> process_environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return value;
}

Result<Settings> resolve_settings(const GivenValues& command_line, const Environment& environment) {
  const auto apply_command_line = [&](Settings& settings) -> Status {
    for (const auto& [name, text] : command_line) {
      CHASQUI_TRY_STATUS(set_from_text(*find_setting(name), text, settings));
    }
    return {};
  };
  // The first pass only finds out which config file is meant; it lies below the other sources.
  Settings settings = default_settings();
  CHASQUI_TRY_STATUS(read_environment(environment, settings));
  CHASQUI_TRY_STATUS(apply_command_line(settings));
  if (settings.config_file.empty()) return settings;

  const std::string path = settings.config_file;
  settings = default_settings();
  CHASQUI_TRY_STATUS(read_config_file(path, settings));
  CHASQUI_TRY_STATUS(read_environment(environment, settings));
  CHASQUI_TRY_STATUS(apply_command_line(settings));
  return settings;
}

}  // namespace chasqui::app
