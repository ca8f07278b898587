// chasqui pull: a model from the hub into its cache folder. The path goes to standard output, for
// scripts: chasqui run "$(chasqui pull org/name)".

#include <fmt/format.h>
#include <signal.h>

#include "app/commands/command.h"
#include "app/memory_plan.h"
#include "app/model_source.h"

namespace chasqui::app {
namespace {

struct PullArgs {
  std::string reference;
  std::string revision;
};

// Blocked, so that they wait to be asked for: a download ends between two pieces.
void block_interrupts() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);  // a hub that goes away is an error code
}

Status pull(const PullArgs& args) {
  CHASQUI_TRY(hub::ModelReference reference, hub::parse_reference(args.reference));
  if (!args.revision.empty()) reference.revision = args.revision;
  block_interrupts();
  CHASQUI_TRY(const hub::PulledModel model, pull_model(reference));
  fmt::print(stderr, "{} in {} file{}, {} downloaded\n", format_bytes(model.bytes),
             model.files.size(), model.files.size() == 1 ? "" : "s",
             model.downloaded == 0 ? "nothing" : format_bytes(model.downloaded));
  fmt::print("{}\n", model.path);
  return {};
}

}  // namespace

Action declare_pull(CLI::App& parser) {
  auto args = std::make_shared<PullArgs>();
  parser
      .add_option("MODEL", args->reference,
                  "ORG/NAME[@REVISION][:QUANT], QUANT being like Q4_K_M (the default), or a file "
                  "name or pattern")
      ->required();
  parser.add_option("--revision", args->revision, "branch, tag or commit (default main)");
  parser.footer(
      "HF_TOKEN, HF_HOME, HF_HUB_CACHE, HF_ENDPOINT and HF_HUB_OFFLINE mean what they mean to the "
      "hub's own tools; docs/models.md tells more.");
  return [args] { return pull(*args); };
}

}  // namespace chasqui::app
