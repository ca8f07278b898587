// chasqui settings: the documents made of the table of settings.
#include <cstdio>

#include "app/commands/command.h"
#include "app/settings_docs.h"

namespace chasqui::app {

Action declare_settings(CLI::App& parser) {
  auto schema = std::make_shared<bool>(false);
  parser.add_flag("--schema", *schema, "print a JSON schema of the config file instead");
  return [schema]() -> Status {
    const std::string text = *schema ? settings_schema() : settings_page();
    std::fwrite(text.data(), 1, text.size(), stdout);
    return {};
  };
}

}  // namespace chasqui::app
