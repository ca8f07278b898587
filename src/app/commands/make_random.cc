// chasqui make-random: a GGUF file with random weights of a real shape, for benchmarks.

#include <fmt/format.h>

#include <algorithm>

#include "app/commands/command.h"
#include "app/progress_bar.h"
#include "app/random_model.h"

namespace chasqui::app {
namespace {

struct MakeRandomArgs {
  std::string output;
  std::string shape = "tinyllama-1.1b";
  RandomModelOptions options;
  // Given sizes replace those of the named shape.
  int64_t layers = 0;
  int64_t hidden = 0;
  int64_t ffn = 0;
  int64_t heads = 0;
  int64_t kv_heads = 0;
  int64_t vocab = 0;
};

std::string shape_names() {
  std::string names;
  for (const RandomShape& shape : random_shapes()) {
    names += fmt::format("{}{}", names.empty() ? "" : ", ", shape.name);
  }
  return names;
}

Status make_random(MakeRandomArgs& args) {
  const auto shapes = random_shapes();
  const auto named = std::ranges::find(shapes, args.shape, &RandomShape::name);
  if (named == shapes.end()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("there is no shape \"{}\"; known are {}", args.shape, shape_names()),
                "shape");
  }
  RandomShape shape = *named;
  if (args.layers > 0) shape.layers = args.layers;
  if (args.hidden > 0) shape.hidden = args.hidden;
  if (args.ffn > 0) shape.ffn = args.ffn;
  if (args.heads > 0) shape.heads = args.heads;
  if (args.kv_heads > 0) shape.kv_heads = args.kv_heads;
  if (args.vocab > 0) shape.vocab = args.vocab;
  args.options.shape = shape;
  ProgressBar bar("writing " + args.output);
  args.options.progress = [&bar](double done) { bar.update(done); };
  return write_random_model(args.output, args.options);
}

}  // namespace

Action declare_make_random(CLI::App& parser) {
  auto args = std::make_shared<MakeRandomArgs>();
  const auto size = [&](const char* name, int64_t& field) {
    parser.add_option(name, field, "instead of the shape's own")->check(CLI::Range(1, 1 << 20));
  };
  parser.add_option("OUTPUT", args->output, "GGUF file to write")->required();
  parser.add_option("--shape", args->shape, "one of " + shape_names())->capture_default_str();
  parser.add_option("--format", args->options.format, "one of " + random_formats())
      ->capture_default_str();
  size("--layers", args->layers);
  size("--hidden", args->hidden);
  size("--ffn", args->ffn);
  size("--heads", args->heads);
  size("--kv-heads,--kv_heads", args->kv_heads);
  size("--vocab", args->vocab);
  parser.add_option("--seed", args->options.seed, "of the random numbers")->capture_default_str();
  parser.add_flag("--overwrite", args->options.overwrite, "replace an existing file");
  return [args] { return make_random(*args); };
}

}  // namespace chasqui::app
