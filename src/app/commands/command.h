// The subcommands of the binary. Each declares its options on the command-line parser and returns
// what runs when it was chosen; main() prints its error as one sentence and exits with 1 (130 when
// the error is kCancelled: Ctrl-C).
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>

#include "app/settings.h"
#include "base/result.h"

namespace chasqui::app {

using Action = std::function<Status()>;

// One row a subcommand.
struct Command {
  const char* name;
  const char* summary;
  // Adds options to `parser`; the returned action is called after parsing.
  Action (*declare)(CLI::App& parser);
};

Action declare_serve(CLI::App& parser);
Action declare_run(CLI::App& parser);
Action declare_inspect(CLI::App& parser);
Action declare_check(CLI::App& parser);
Action declare_pull(CLI::App& parser);
Action declare_tokenize(CLI::App& parser);
Action declare_detokenize(CLI::App& parser);
Action declare_render(CLI::App& parser);
Action declare_eval(CLI::App& parser);
Action declare_bench(CLI::App& parser);
Action declare_grammar(CLI::App& parser);
Action declare_devices(CLI::App& parser);
Action declare_make_random(CLI::App& parser);
Action declare_quantize(CLI::App& parser);
Action declare_imatrix(CLI::App& parser);
Action declare_perplexity(CLI::App& parser);
Action declare_settings(CLI::App& parser);

// Settings of the table as options of a subcommand. resolve() is for the action.
class SettingOptions {
 public:
  // `only`: the names to offer, in the table's order; empty: all.
  static std::shared_ptr<SettingOptions> add(CLI::App& parser,
                                             std::vector<std::string_view> only = {});
  // Command line, environment, config file and defaults together.
  Result<Settings> resolve() const;
  // The same for a server, which may have several models.
  Result<Configuration> resolve_models() const;
  // A value as if it had been given on the command line, for short spellings.
  void give(std::string name, std::string text) {
    given_.emplace_back(std::move(name), std::move(text));
  }

 private:
  GivenValues given_;
};

// The settings that matter to commands which only compute.
std::vector<std::string_view> compute_settings();

}  // namespace chasqui::app
