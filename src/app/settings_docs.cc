#include "app/settings_docs.h"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "app/settings.h"

namespace chasqui::app {
namespace {

namespace json = boost::json;

constexpr std::string_view kIntroduction = R"(# Configuration

Every setting is a flag of `chasqui serve` (`--n_ctx 4096` or `--n-ctx 4096`), an environment variable (`CHASQUI_N_CTX`, or
`N_CTX`), and a key of the config file (`--config_file FILE.json` or `.yaml`). The command line wins over `CHASQUI_`
variables, those over plain ones, those over the config file, and that over the defaults; only `HOST` and `PORT` go before the
command line too, as they did in the replaced server, unless `CHASQUI_HOST` or `CHASQUI_PORT` is set. Variables may be in any case (`n_ctx`),
but `host` and `port` in other letters stay behind the command line. Plain variables that are empty count as not set. Unknown
names and values out of range stop the start. A list is written as values after each other on the command line, between commas in a variable, and as a list in the
file.

A config file may list several models. What stands beside "models" holds for all of them, what stands in an entry for that one;
requests choose by the model's alias, or its path where it has none. `host` to `open_paths` are the server's own: they stand
beside "models" only. So does `verbose`, but an entry that has it, as in files of the replaced server, is read without it.

```yaml
host: 127.0.0.1
n_threads: 8
models:
  - model: models/small.gguf
    model_alias: small
  - model: models/large.gguf
    model_alias: large
    n_ctx: 16384
```

This page is printed by `chasqui settings`; `chasqui settings --schema` prints a JSON schema of the config file.

| setting | default | allowed | what it does |
|---|---|---|---|
)";

constexpr std::string_view kWithoutEffect = R"(
## Without effect in this version

Settings of the server that chasqui replaces, taken so that a command line or a file of that server can be kept. Setting one to
something else than its default is answered at start: with a warning where answers stay right without it, with an error where they
would not.

| setting | default | why | then |
|---|---|---|---|
)";

constexpr std::string_view kDefaults = R"(
## Defaults that are not those of the replaced server

| setting | there | here, and why |
|---|---|---|
| `interrupt_requests` | `true` | `false`: requests run side by side |
| `n_threads`, `n_threads_batch` | half of the processors | one for each core, within the cgroup's quota: the threads share the work evenly |
| `n_ctx` | `2048` | the same, but for models that were trained with less |
| `use_mlock` | `true` | `false`: most limits on locked memory are lower than a model |
| `chat_format` | `llama-2`, later none | none: the model's own template |
| `offload_kqv` | `false`, later `true` | `true`, without effect |
)";

std::string cell(std::string_view text) {
  std::string out = "`" + std::string(text) + "`";
  return text.empty() ? "none" : out;
}

std::string_view json_type(const Setting& row) {
  if (std::holds_alternative<bool Settings::*>(row.field)) return "boolean";
  if (std::holds_alternative<int64_t Settings::*>(row.field)) return "integer";
  if (std::holds_alternative<double Settings::*>(row.field)) return "number";
  if (std::holds_alternative<std::string Settings::*>(row.field)) return "string";
  return "array";
}

// What a file may hold besides the usual: lists as values between commas, JSON as a text.
json::value json_types(const Setting& row) {
  const std::string_view type = json_type(row);
  if (type == "array") return {"array", "string"};
  if (row.is_json) return {"object", "string"};
  return json::value(type);
}

json::object property(const Setting& row) {
  json::object out = {{"type", json_types(row)}, {"description", row.help}};
  if (row.max > row.min && json_type(row) != "array") {
    out["minimum"] = row.min;
    out["maximum"] = row.max;
  }
  if (!row.choices.empty()) {
    json::array choices;
    for (const std::string_view choice : row.choices) choices.emplace_back(choice);
    out["enum"] = std::move(choices);
  }
  return out;
}

}  // namespace

std::string settings_page() {
  std::string works(kIntroduction);
  std::string inert(kWithoutEffect);
  for (const Setting& row : settings_table()) {
    if (row.effect == Effect::kFull) {
      works += fmt::format("| `{}` | {} | {} | {} |\n", row.name, cell(row.default_text),
                           allowed_values(row), row.help);
    } else {
      inert += fmt::format("| `{}` | {} | {} | {} |\n", row.name, cell(row.default_text),
                           row.reason, row.effect == Effect::kWarns ? "warning" : "error");
    }
  }
  return works + std::string(kDefaults) + inert;
}

std::string settings_schema() {
  json::object properties;
  json::object of_models;
  for (const Setting& row : settings_table()) {
    if (row.name == "config_file") continue;
    properties[row.name] = property(row);
    if (!row.of_server || row.entries_may_have_it) of_models[row.name] = property(row);
  }
  json::object entry = {{"type", "object"},
                        {"properties", std::move(of_models)},
                        {"required", {"model"}},
                        {"additionalProperties", false}};
  properties["models"] = {{"type", "array"}, {"minItems", 1}, {"items", std::move(entry)}};
  const json::object schema = {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                               {"title", "chasqui config file"},
                               {"type", "object"},
                               {"properties", std::move(properties)},
                               {"additionalProperties", false}};
  return json::serialize(schema) + "\n";
}

}  // namespace chasqui::app
