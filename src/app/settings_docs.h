// Documents made of the settings table, so that they cannot say anything else than the program
// does: docs/configuration.md and docs/configuration.schema.json are what `chasqui settings`
// prints.
#pragma once

#include <string>

namespace chasqui::app {

// The page of all settings, in Markdown.
std::string settings_page();

// A JSON schema (draft 2020-12) of the config file.
std::string settings_schema();

}  // namespace chasqui::app
