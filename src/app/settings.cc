#include "app/settings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <cmath>
#include <iterator>

#include "app/config_file.h"

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

bool is_json_object(std::string_view text) {
  boost::system::error_code error;
  const json::value document = json::parse(text, error);
  return !error && document.is_object();
}

// One overload a kind of field: true when `text` is an allowed value and was stored.
bool store(const Setting& row, std::string_view text, std::string& field) {
  if (row.choices.empty()) {
    if (text.empty() && row.min > 0) return false;
    if (row.is_json && !text.empty() && !is_json_object(text)) return false;
    field = text;
    return true;
  }
  std::string choice = lower(text);
  for (const auto& [alias, meaning] : row.aliases) {
    if (choice == alias) choice = meaning;
  }
  if (std::ranges::find(row.choices, choice) == row.choices.end()) return false;
  field = std::move(choice);
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

// What a list was given as: values between commas, or a JSON array of texts or numbers.
std::optional<std::vector<std::string>> parse_list(std::string_view text) {
  std::vector<std::string> values;
  if (text.starts_with('[')) {
    boost::system::error_code error;
    const json::value document = json::parse(text, error);
    if (error || !document.is_array()) return std::nullopt;
    for (const json::value& item : document.get_array()) {
      if (item.is_object() || item.is_array() || item.is_null()) return std::nullopt;
      values.push_back(item.is_string() ? std::string(item.get_string()) : json::serialize(item));
    }
    return values;
  }
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    values.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return values;
}

bool store(const Setting&, std::string_view text, std::vector<std::string>& field) {
  auto list = parse_list(text);
  if (list) field = std::move(*list);
  return list.has_value();
}

bool store(const Setting& row, std::string_view text, std::vector<double>& field) {
  const auto list = parse_list(text);
  if (!list) return false;
  std::vector<double> numbers(list->size());
  for (size_t i = 0; i < numbers.size(); ++i) {
    if (!store(row, (*list)[i], numbers[i])) return false;
  }
  field = std::move(numbers);
  return true;
}

// Where a value came from, for messages.
Status from(std::string_view source, const Status& set) {
  if (set) return {};
  return fail(set.error().code, fmt::format("{}: {}", source, set.error().message),
              set.error().param);
}

// `of_model`: the values stand in an entry of "models".
Status apply(const std::string& path, const ConfigValues& values, bool of_model,
             Settings& settings) {
  for (const auto& [key, text] : values) {
    const Setting* row = find_setting(key);
    if (row == nullptr || row->name == "config_file") {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("{}: there is no setting \"{}\"; `chasqui serve --help` lists them",
                              path, key),
                  key);
    }
    if (of_model && row->entries_may_have_it) continue;
    if (of_model && row->of_server) {
      return fail(
          ErrorCode::kInvalidArgument,
          fmt::format("{}: {} holds for the whole server; it belongs beside \"models\", not "
                      "into an entry",
                      path, key),
          key);
    }
    CHASQUI_TRY_STATUS(from(path, set_from_text(*row, text, settings)));
  }
  return {};
}

struct Variable {
  std::string name;
  std::string text;
};

// The variable `name`, which is in capitals, or else the same in other letters.
std::optional<Variable> find_variable(const Environment& environment, const std::string& name) {
  if (const auto own = environment.find(name); own != environment.end())
    return Variable{own->first, own->second};
  const auto other = std::ranges::find_if(
      environment, [&](const auto& variable) { return upper(variable.first) == name; });
  if (other == environment.end()) return std::nullopt;
  return Variable{other->first, other->second};
}

Status read_environment(const Environment& environment, Settings& settings) {
  for (const Setting& row : settings_table()) {
    const auto plain = find_variable(environment, upper(row.name));
    const auto prefixed = find_variable(environment, "CHASQUI_" + upper(row.name));
    for (const auto* variable : {&plain, &prefixed}) {
      if (!*variable || (variable == &plain && plain->text.empty())) continue;
      CHASQUI_TRY_STATUS(from((*variable)->name + " in the environment",
                              set_from_text(row, (*variable)->text, settings)));
    }
  }
  return {};
}

// Whether the environment has the row's plain variable, in capitals, and no CHASQUI_ one, which
// would go before it.
bool yields_to_environment(const Setting& row, const Environment& environment) {
  if (!row.environment_first) return false;
  const auto plain = environment.find(upper(row.name));
  if (plain == environment.end() || plain->second.empty()) return false;
  return !find_variable(environment, "CHASQUI_" + upper(row.name));
}

}  // namespace

const std::string& model_id(const Settings& settings) {
  if (!settings.model_alias.empty()) return settings.model_alias;
  return settings.model.empty() ? settings.hf_model_repo_id : settings.model;
}

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
  if (std::holds_alternative<std::vector<double> Settings::*>(row.field)) {
    return fmt::format("numbers from {} to {}, separated by commas", row.min, row.max);
  }
  if (std::holds_alternative<std::vector<std::string> Settings::*>(row.field)) {
    return "texts separated by commas";
  }
  if (row.is_json) return "a JSON object";
  if (row.choices.empty()) return row.min > 0 ? "a text that is not empty" : "a text";
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

Environment process_environment() {
  Environment environment;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const size_t name = std::min(text.find('='), text.size());
    environment.emplace(text.substr(0, name), text.substr(std::min(name + 1, text.size())));
  }
  return environment;
}

namespace {

// All sources but the defaults, the later ones above.
struct Sources {
  const ConfigFile& file;
  const std::string& path;  // of the file
  const Environment& environment;
  const GivenValues& command_line;
};

// `model`: what one of several models has of its own in the file, or null.
Result<Settings> resolve(const Sources& sources, const ConfigValues* model) {
  Settings settings = default_settings();
  CHASQUI_TRY_STATUS(apply(sources.path, sources.file.values, false, settings));
  if (model != nullptr) CHASQUI_TRY_STATUS(apply(sources.path, *model, true, settings));
  CHASQUI_TRY_STATUS(read_environment(sources.environment, settings));
  for (const auto& [name, text] : sources.command_line) {
    const Setting& row = *find_setting(name);
    if (yields_to_environment(row, sources.environment)) continue;
    CHASQUI_TRY_STATUS(set_from_text(row, text, settings));
  }
  return settings;
}

Status check_models(const std::string& path, const std::vector<Settings>& models) {
  std::vector<std::string> names;
  for (const Settings& model : models) {
    if (model.model.empty() && model.hf_model_repo_id.empty()) {
      return fail(ErrorCode::kInvalidArgument, path + ": an entry of \"models\" has no \"model\"",
                  "model");
    }
    if (model.vocab_only != models.front().vocab_only) {
      return fail(ErrorCode::kInvalidArgument,
                  path + ": vocab_only must be the same for all of \"models\"", "vocab_only");
    }
    std::string name = model_id(model);
    if (std::ranges::find(names, name) != names.end()) {
      return fail(
          ErrorCode::kInvalidArgument,
          fmt::format("{}: two models are called \"{}\"; give each a model_alias", path, name),
          "model_alias");
    }
    names.push_back(std::move(name));
  }
  return {};
}

}  // namespace

namespace {

std::vector<std::string> notes_of(const GivenValues& command_line, const Environment& environment) {
  std::vector<std::string> notes;
  for (const auto& [name, text] : command_line) {
    if (!yields_to_environment(*find_setting(name), environment)) continue;
    notes.push_back(fmt::format("{} in the environment goes before --{}, as in the replaced server",
                                upper(name), name));
  }
  return notes;
}

void add_notes_of_entries(const ConfigFile& file, std::vector<std::string>& notes) {
  for (const Setting& row : settings_table()) {
    const auto has_it = [&](const ConfigValues& values) {
      return std::ranges::any_of(values, [&](const auto& each) { return each.first == row.name; });
    };
    if (!row.entries_may_have_it || std::ranges::none_of(file.models, has_it)) continue;
    notes.push_back(
        fmt::format("{} in an entry of \"models\" has no effect: it holds for the whole server and "
                    "counts beside \"models\"",
                    row.name));
  }
}

}  // namespace

Result<Configuration> resolve_configuration(const GivenValues& command_line,
                                            const Environment& environment) {
  // The first pass only finds out which config file is meant; it lies below the other sources.
  const ConfigFile none;
  CHASQUI_TRY(Settings settings, resolve({none, "", environment, command_line}, nullptr));
  std::vector<std::string> notes = notes_of(command_line, environment);
  if (settings.config_file.empty()) return Configuration{settings, {settings}, std::move(notes)};

  const std::string path = settings.config_file;
  CHASQUI_TRY(const ConfigFile file, read_config_file(path));
  if (!file.models.empty() && !(settings.model.empty() && settings.model_alias.empty())) {
    return fail(ErrorCode::kInvalidArgument,
                path +
                    " lists the models to serve; model and model_alias on the command line or in "
                    "the environment would hold for all of them",
                "model");
  }
  const Sources sources{file, path, environment, command_line};
  Configuration configuration;
  CHASQUI_TRY(configuration.settings, resolve(sources, nullptr));
  for (const ConfigValues& values : file.models) {
    CHASQUI_TRY(Settings model, resolve(sources, &values));
    configuration.models.push_back(std::move(model));
  }
  CHASQUI_TRY_STATUS(check_models(path, configuration.models));
  if (configuration.models.empty()) configuration.models = {configuration.settings};
  add_notes_of_entries(file, notes);
  configuration.notes = std::move(notes);
  return configuration;
}

Result<Settings> resolve_settings(const GivenValues& command_line, const Environment& environment) {
  CHASQUI_TRY(Configuration configuration, resolve_configuration(command_line, environment));
  return std::move(configuration.settings);
}

Result<std::vector<std::string>> check_effects(const Settings& settings) {
  const Settings defaults = default_settings();
  std::vector<std::string> warnings;
  for (const Setting& row : settings_table()) {
    const bool changed =
        std::visit([&](auto field) { return settings.*field != defaults.*field; }, row.field);
    if (row.effect == Effect::kFull || !changed) continue;
    std::string sentence = fmt::format("{} has no effect: {}", row.name, row.reason);
    if (row.effect == Effect::kRefuses) {
      return fail(ErrorCode::kUnsupported,
                  fmt::format("{} cannot be honoured, and answers would be wrong without it: {}",
                              row.name, row.reason),
                  std::string(row.name));
    }
    warnings.push_back(std::move(sentence));
  }
  return warnings;
}

}  // namespace chasqui::app
