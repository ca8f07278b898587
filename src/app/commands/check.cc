// chasqui check: all that keeps a model file from being run, from its directory alone.

#include <fmt/format.h>

#include "app/commands/command.h"
#include "app/printable.h"
#include "gguf/file.h"
#include "model/arch/architecture.h"
#include "model/tensor_report.h"

namespace chasqui::app {
namespace {

struct CheckArgs {
  std::string model;
  std::string table;
};

void print_list(const char* title, const std::vector<std::string>& lines) {
  if (lines.empty()) return;
  fmt::print("{}:\n", title);
  for (const std::string& line : lines) fmt::print("  {}\n", printable(line));
}

Status check(const CheckArgs& args) {
  CHASQUI_TRY(const gguf::File file, gguf::File::open(args.model));
  CHASQUI_TRY(const model::TensorReport report, model::report_tensors(file, args.table));
  fmt::print("{} as {}: {} tensors fit, {} problems, {} tensors and {} keys that nobody reads\n",
             args.model, report.architecture, report.fitting, report.problems.size(),
             report.unknown.size(), report.unread_keys.size());
  print_list("problems", report.problems);
  print_list("tensors that nobody reads", report.unknown);
  print_list("keys that nobody reads", report.unread_keys);
  if (report.problems.empty()) return {};
  return fail(ErrorCode::kCorrupt,
              fmt::format("{} does not fit the table of {}", args.model, report.architecture));
}

}  // namespace

Action declare_check(CLI::App& parser) {
  auto args = std::make_shared<CheckArgs>();
  parser.add_option("model", args->model, "a GGUF file")->required();
  parser.add_option("--as", args->table,
                    "compare with this architecture's table instead of the file's own (one of " +
                        model::architecture_names() + ")");
  return [args] { return check(*args); };
}

}  // namespace chasqui::app
