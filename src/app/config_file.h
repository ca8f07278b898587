// A config file as names and texts: JSON, or YAML where the name ends with .yaml or .yml. What the
// names mean is settings.h's business.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace chasqui::app {

// In the file's order; null values are left out. Numbers and booleans are as written, lists are
// JSON arrays.
using ConfigValues = std::vector<std::pair<std::string, std::string>>;

struct ConfigFile {
  ConfigValues values;
  std::vector<ConfigValues> models;  // under "models": what each of several models has of its own
};

// kNotFound or kInvalidArgument name the file and, where there is one, the line.
Result<ConfigFile> read_config_file(const std::string& path);

}  // namespace chasqui::app
