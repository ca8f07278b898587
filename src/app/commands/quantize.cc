// chasqui quantize: a model anew with other tensor types.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>
#include <optional>
#include <thread>

#include "app/commands/command.h"
#include "app/interrupt.h"
#include "app/memory_plan.h"
#include "app/output_file.h"
#include "app/printable.h"
#include "app/progress_bar.h"
#include "quantize/rewrite.h"

namespace chasqui::app {
namespace {

constexpr int kMostThreads = 1024;

struct QuantizeArgs {
  std::string input;
  std::string output;
  std::string file_type;
  std::string imatrix;
  std::string output_type;
  std::string embedding_type;
  std::vector<std::string> tensor_types;
  bool pure = false;
  bool allow_requantize = false;
  bool dry_run = false;
  quantize::WriteOptions write{.threads = 0};
};

Result<DType> tensor_type(const std::string& name, const char* option) {
  const DTypeInfo* info = find_dtype(name);
  if (info != nullptr) return info->type;
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("--{}: there is no tensor type \"{}\"; examples are Q4_K, Q8_0, F16",
                          option, name),
              option);
}

Result<quantize::TypeChoices> read_choices(const QuantizeArgs& args) {
  quantize::TypeChoices choices;
  choices.pure = args.pure;
  if (!args.output_type.empty()) {
    CHASQUI_TRY(choices.output, tensor_type(args.output_type, "output-tensor-type"));
  }
  if (!args.embedding_type.empty()) {
    CHASQUI_TRY(choices.token_embedding, tensor_type(args.embedding_type, "token-embedding-type"));
  }
  for (const std::string& text : args.tensor_types) {
    const size_t equals = text.rfind('=');
    if (equals == std::string::npos || equals == 0) {
      return fail(
          ErrorCode::kInvalidArgument,
          fmt::format("--tensor-type takes PATTERN=TYPE, as in attn_v=Q8_0, not \"{}\"", text),
          "tensor-type");
    }
    CHASQUI_TRY(const DType type, tensor_type(text.substr(equals + 1), "tensor-type"));
    choices.patterns.push_back({text.substr(0, equals), type});
  }
  return choices;
}

double bits_per_value(uint64_t bytes, const quantize::RewritePlan& plan) {
  double values = 0;
  for (const quantize::TensorPlan& tensor : plan.tensors) {
    values += static_cast<double>(tensor.tensor->view.elements());
  }
  return values == 0 ? 0 : 8 * static_cast<double>(bytes) / values;
}

void print_tensors(const quantize::RewritePlan& plan) {
  for (const quantize::TensorPlan& tensor : plan.tensors) {
    const TensorView& view = tensor.tensor->view;
    const auto dims = std::span(view.dims).first(static_cast<size_t>(tensor.tensor->n_dims));
    fmt::print("  {:<44} [{}] {} -> {}", printable(tensor.tensor->name), fmt::join(dims, ", "),
               dtype_info(view.type).name, dtype_info(tensor.type).name);
    if (tensor.type != tensor.wanted) {
      fmt::print(" (rows do not fit {})", dtype_info(tensor.wanted).name);
    }
    fmt::print("\n");
  }
}

void print_sizes(const quantize::RewritePlan& plan) {
  fmt::print("{} ({:.2f} bits a value) -> {} ({:.2f} bits a value)\n", format_bytes(plan.old_bytes),
             bits_per_value(plan.old_bytes, plan), format_bytes(plan.new_bytes),
             bits_per_value(plan.new_bytes, plan));
}

// What the plan decided that its user may not expect.
void warn(const quantize::RewritePlan& plan, const quantize::RewriteOptions& options) {
  size_t odd = 0;
  size_t unknown = 0;
  for (const quantize::TensorPlan& tensor : plan.tensors) {
    const std::string& name = tensor.tensor->name;
    odd += tensor.type != tensor.wanted;
    unknown += options.importance != nullptr && tensor.type != tensor.tensor->view.type &&
               name.starts_with("blk.") && !options.importance->has(name);
  }
  if (odd > 0) {
    fmt::print(stderr,
               "{} tensors have rows that do not fit their type and got another "
               "(--dry-run lists them)\n",
               odd);
  }
  if (unknown > 0) {
    fmt::print(stderr, "{} tensors are not in {}: their columns count the same\n", unknown,
               options.importance_name);
  }
}

Status quantize_model(QuantizeArgs& args) {
  const quantize::FileType* file_type = quantize::find_file_type(args.file_type);
  if (file_type == nullptr) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("there is no file type \"{}\"; known are {}", args.file_type,
                            quantize::file_type_names()),
                "TYPE");
  }
  if (!args.dry_run) {
    CHASQUI_TRY_STATUS(check_output_file(args.output, args.write.overwrite));
  }
  quantize::RewriteOptions options{.file_type = *file_type};
  options.allow_requantize = args.allow_requantize;
  CHASQUI_TRY(options.choices, read_choices(args));
  std::optional<quantize::Importance> importance;
  if (!args.imatrix.empty()) {
    CHASQUI_TRY(importance, quantize::Importance::read(args.imatrix));
    options.importance = &*importance;
    options.importance_name = std::filesystem::path(args.imatrix).filename().string();
  }
  CHASQUI_TRY(const gguf::File file, gguf::File::open(args.input));
  CHASQUI_TRY(const quantize::RewritePlan plan, quantize::plan_rewrite(file, options));
  if (args.dry_run) {
    print_tensors(plan);
    print_sizes(plan);
    return {};
  }
  warn(plan, options);
  remember_interrupts();
  ProgressBar bar("writing " + std::filesystem::path(args.output).filename().string());
  args.write.progress = [&bar](double done) { bar.update(done); };
  args.write.cancelled = interrupted;
  if (args.write.threads == 0) {
    args.write.threads = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  }
  CHASQUI_TRY_STATUS(quantize::write_rewritten(file, options, plan, args.output, args.write));
  print_sizes(plan);
  return {};
}

}  // namespace

Action declare_quantize(CLI::App& parser) {
  auto args = std::make_shared<QuantizeArgs>();
  parser.add_option("INPUT", args->input, "GGUF file, any part of a split one")->required();
  parser.add_option("OUTPUT", args->output, "GGUF file to write")->required();
  parser.add_option("TYPE", args->file_type, "one of " + quantize::file_type_names())->required();
  parser.add_option("--imatrix", args->imatrix, "importance matrix, from `chasqui imatrix`");
  parser.add_option("--output-tensor-type,--output_tensor_type", args->output_type,
                    "type of the matrix of the logits");
  parser.add_option("--token-embedding-type,--token_embedding_type", args->embedding_type,
                    "type of the embedding table");
  parser
      .add_option("--tensor-type,--tensor_type", args->tensor_types,
                  "PATTERN=TYPE: type of tensors in whose name the regular expression is found; "
                  "may be repeated, the first that is found counts")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  parser.add_flag("--pure", args->pure, "no mix: all matrices get the same type");
  parser.add_flag("--allow-requantize,--allow_requantize", args->allow_requantize,
                  "take input of few bits, whose losses add up");
  parser.add_option("--threads", args->write.threads, "0: one a core")
      ->check(CLI::Range(0, kMostThreads))
      ->capture_default_str();
  parser.add_flag("--overwrite", args->write.overwrite, "replace an existing file");
  parser.add_flag("--dry-run,--dry_run", args->dry_run, "list types and sizes, write nothing");
  return [args] { return quantize_model(*args); };
}

}  // namespace chasqui::app
