#include "app/config_file.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <boost/json.hpp>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <iterator>

#include "chat/json_value.h"

namespace chasqui::app {
namespace {

namespace json = boost::json;

constexpr std::string_view kModels = "models";

Error malformed(const std::string& path, const std::string& what) {
  return {ErrorCode::kInvalidArgument, fmt::format("{}: {}", path, what), "config_file"};
}

// YAML as the JSON that says the same; scalars become texts. Settings are texts anyway, so nothing
// is lost, and one reader serves both formats. `levels` bounds the nesting: a config has three.
Result<json::value> to_json(const YAML::Node& node, int levels) {
  if (node.IsNull() || !node.IsDefined()) return json::value();
  if (node.IsScalar()) return json::value(node.Scalar());
  if (levels == 0) return fail(ErrorCode::kInvalidArgument, "is nested too deeply");
  if (node.IsSequence()) {
    json::array list;
    for (const YAML::Node& item : node) {
      CHASQUI_TRY(json::value value, to_json(item, levels - 1));
      list.push_back(std::move(value));
    }
    return json::value(std::move(list));
  }
  json::object object;
  for (const auto& entry : node) {
    CHASQUI_TRY(json::value value, to_json(entry.second, levels - 1));
    object[entry.first.as<std::string>()] = std::move(value);
  }
  return json::value(std::move(object));
}

Result<json::value> parse_yaml(const std::string& text) {
  try {
    return to_json(YAML::Load(text), 4);
  } catch (const YAML::Exception& error) {  // the library's only way to say it
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("is not YAML: line {}: {}", error.mark.line + 1, error.msg));
  }
}

Result<json::value> parse_json(const std::string& text) {
  auto document = chat::parse_json(text);
  if (document) return document;
  return fail(ErrorCode::kInvalidArgument, "is not JSON: " + document.error().message);
}

// Settings are read from texts: 512.0 and 5.12e2 are the 512 that they mean in JSON.
std::string text_of(const json::value& value) {
  if (value.is_string()) return std::string(value.get_string());
  if (!value.is_double()) return json::serialize(value);
  const double number = value.get_double();
  constexpr double kExact = 9007199254740992.0;  // 2^53
  const bool whole = std::trunc(number) == number && std::abs(number) <= kExact;
  return whole ? std::to_string(static_cast<int64_t>(number)) : json::serialize(value);
}

Result<ConfigValues> values_of(const json::value& document) {
  if (!document.is_object()) {
    return fail(ErrorCode::kInvalidArgument, "is not an object of settings");
  }
  ConfigValues values;
  for (const auto& [key, value] : document.get_object()) {
    if (value.is_null()) continue;
    values.emplace_back(key, text_of(value));
  }
  return values;
}

Result<ConfigFile> config_of(json::value document) {
  ConfigFile config;
  json::value models;
  if (json::object* object = document.if_object()) {
    if (json::value* found = object->if_contains(kModels)) models = std::move(*found);
    object->erase(kModels);
  }
  CHASQUI_TRY(config.values, values_of(document));
  if (models.is_null()) return config;
  if (!models.is_array() || models.get_array().empty()) {
    return fail(ErrorCode::kInvalidArgument, "\"models\" is not a list of models");
  }
  for (const json::value& model : models.get_array()) {
    CHASQUI_TRY(ConfigValues values, values_of(model));
    config.models.push_back(std::move(values));
  }
  return config;
}

}  // namespace

Result<ConfigFile> read_config_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return fail(ErrorCode::kNotFound, "cannot read the config file " + path, "config_file");
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const bool yaml = path.ends_with(".yaml") || path.ends_with(".yml");
  auto document = yaml ? parse_yaml(text) : parse_json(text);
  if (!document) return fail(malformed(path, document.error().message));
  auto config = config_of(std::move(*document));
  if (!config) return fail(malformed(path, config.error().message));
  return config;
}

}  // namespace chasqui::app
