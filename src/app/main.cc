// The chasqui binary: one parser, one row a subcommand.

#include <fmt/format.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "app/commands/command.h"
#include "app/printable.h"

namespace chasqui::app {
namespace {

constexpr Command kCommands[] = {
    {"serve", "serve a model over the OpenAI API", declare_serve},
    {"run", "ask a model once, or chat with it in the terminal", declare_run},
    {"inspect", "show what is in a GGUF file and what running it takes", declare_inspect},
    {"tokenize", "split text into tokens", declare_tokenize},
    {"detokenize", "turn tokens into text", declare_detokenize},
    {"pull", "download a model from the Hugging Face hub", declare_pull},
    {"render", "put conversations through a chat template", declare_render},
    {"eval", "compute logits of given tokens, to compare engines", declare_eval},
    {"bench", "measure speed beside this machine's limits", declare_bench},
    {"grammar", "follow grammars and schemas over texts, to check and time them", declare_grammar},
    {"check", "compare a model file with the table of its architecture", declare_check},
    {"devices", "list what this machine can compute with", declare_devices},
    {"settings", "print the page of all settings, or a schema of the config file",
     declare_settings},
    {"quantize", "write a model anew with other tensor types", declare_quantize},
    {"imatrix", "measure which columns of a model matter, for quantize", declare_imatrix},
    {"perplexity", "measure how well a model predicts a text", declare_perplexity},
    {"make-random", "write a model with random weights, for benchmarks", declare_make_random},
};

// Ended by Ctrl-C, as shells say it: 128 and the number of SIGINT.
constexpr int kInterrupted = 130;

void set_up_logging() {
  // Standard output belongs to results.
  spdlog::set_default_logger(spdlog::stderr_color_mt("chasqui"));
  spdlog::set_pattern("%Y-%m-%d %H:%M:%S.%e %^%l%$ %v");
}

// Output goes to a file or a pipe as often as to a terminal, and either may be full.
Status write_out() {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return {};
  return fail(ErrorCode::kIo, "cannot write to standard output");
}

// What libraries throw (a full disk behind fmt::print, no memory) is reported like any error.
Status perform(const Action& action) {
  try {
    CHASQUI_TRY_STATUS(action());
    return write_out();
  } catch (const std::exception& error) {
    return fail(ErrorCode::kInternal, error.what());
  }
}

int run(int argc, char** argv) {
  set_up_logging();
  CLI::App parser("chasqui serves GGUF language models over the OpenAI API", "chasqui");
  parser.set_version_flag("--version", "chasqui " CHASQUI_VERSION);
  parser.require_subcommand(0, 1);  // asked for below: CLI11 would not name a wrong one
  parser.footer("`chasqui COMMAND --help` tells more.");
  std::vector<std::pair<CLI::App*, Action>> actions;
  for (const Command& command : kCommands) {
    CLI::App* sub = parser.add_subcommand(command.name, command.summary);
    actions.emplace_back(sub, command.declare(*sub));
  }
  try {
    parser.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return parser.exit(error) == 0 ? 0 : 2;
  }
  for (const auto& [sub, action] : actions) {
    if (!sub->parsed()) continue;
    if (const Status done = perform(action); !done) {
      fmt::print(stderr, "chasqui: {}\n", printable(done.error().message));
      return done.error().code == ErrorCode::kCancelled ? kInterrupted : 1;
    }
    return 0;
  }
  fmt::print(stderr, "{}", parser.help());
  return 2;
}

}  // namespace
}  // namespace chasqui::app

int main(int argc, char** argv) {
  return chasqui::app::run(argc, argv);
}
