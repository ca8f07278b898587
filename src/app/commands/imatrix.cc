// chasqui imatrix: how much each column of a model's matrices matters, measured on a text.

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "app/commands/command.h"
#include "app/interrupt.h"
#include "app/loaded_model.h"
#include "app/output_file.h"
#include "app/progress_bar.h"
#include "app/recording_backend.h"
#include "app/text_chunks.h"
#include "model/session.h"

namespace chasqui::app {
namespace {

struct ImatrixArgs {
  std::string model;
  std::string text;
  std::string output;
  ChunkOptions chunks;
  bool with_output = false;
  bool overwrite = false;
  std::shared_ptr<SettingOptions> settings;
};

// Reads chunk after chunk; returns how many were read before Ctrl-C, which lets one end.
Result<int64_t> read_chunks(const LoadedModel& loaded, const TextChunks& chunks,
                            const ImatrixArgs& args) {
  ProgressBar bar("reading " + std::filesystem::path(args.text).filename().string());
  std::vector<int64_t> wanted;
  if (args.with_output) {
    for (int64_t i = 0; i < chunks.length(); ++i) wanted.push_back(i);
  }
  model::Session session(*loaded.model, chunks.length());
  for (int64_t i = 0; i < chunks.count(); ++i) {
    session.truncate(0);
    CHASQUI_TRY_STATUS(session.feed(chunks.chunk(i), wanted));
    if (interrupted()) return i + 1;
    bar.update(static_cast<double>(i + 1) / static_cast<double>(chunks.count()));
  }
  return chunks.count();
}

void report(const std::map<std::string, quantize::ImportanceSums>& sums, const ImatrixArgs& args,
            int64_t chunks) {
  int64_t unused = 0;
  for (const auto& [name, matrix] : sums) unused += std::ranges::count(matrix.counts, 0);
  fmt::print("{}: {} matrices, {} chunks\n", args.output, sums.size(), chunks);
  if (unused == 0) return;
  fmt::print(stderr, "{} experts were never chosen: their columns will count the same\n", unused);
}

Status imatrix(const ImatrixArgs& args) {
  CHASQUI_TRY(Settings settings, args.settings->resolve());
  settings.n_ctx = args.chunks.tokens;
  CHASQUI_TRY_STATUS(check_output_file(args.output, args.overwrite));
  RecordingBackend* recorder = nullptr;
  const auto wrap = [&](std::unique_ptr<backend::Backend> backend) {
    auto wrapped = make_recording_backend(std::move(backend), args.with_output);
    recorder = wrapped.get();
    return wrapped;
  };
  CHASQUI_TRY(const LoadedModel loaded, load_model({.path = args.model, .wrap = wrap}, settings));
  CHASQUI_TRY(const TextChunks chunks, TextChunks::read(args.text, *loaded.tokenizer, args.chunks));
  chunks.warn_beyond(loaded.model->spec().context_length, args.model);
  model::CacheOptions cache = cache_types(settings);
  cache.blocks = model::session_blocks(*loaded.model, chunks.length());
  CHASQUI_TRY_STATUS(loaded.model->allocate_cache(cache));

  remember_interrupts();
  fmt::print("{}: {} chunks of {} tokens\n", args.text, chunks.count(), chunks.length());
  std::fflush(stdout);
  CHASQUI_TRY(const int64_t done, read_chunks(loaded, chunks, args));
  const quantize::ImportanceSource source = {
      .datasets = {std::filesystem::path(args.text).filename().string()},
      .chunks = static_cast<uint32_t>(done),
      .chunk_tokens = static_cast<uint32_t>(chunks.length())};
  CHASQUI_TRY_STATUS(
      quantize::write_importance(args.output, args.overwrite, source, recorder->sums()));
  report(recorder->sums(), args, done);
  if (done == chunks.count()) return {};
  return fail(ErrorCode::kCancelled,
              fmt::format("interrupted after {} of {} chunks; {} holds these", done, chunks.count(),
                          args.output));
}

}  // namespace

Action declare_imatrix(CLI::App& parser) {
  auto args = std::make_shared<ImatrixArgs>();
  parser.add_option("MODEL", args->model, "GGUF file")->required();
  parser.add_option("TEXT", args->text, "text file, of the kind that the model will read")
      ->required();
  parser.add_option("-o,--output", args->output, "file to write, for `chasqui quantize --imatrix`")
      ->required();
  parser.add_option("--n-ctx,--n_ctx", args->chunks.tokens, "tokens of a chunk")
      ->check(CLI::Range(2, 1 << 20))
      ->capture_default_str();
  parser.add_option("--chunks", args->chunks.most, "chunks to read at most; 0: all")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  parser.add_flag("--parse-special,--parse_special", args->chunks.parse_special,
                  "control tokens spelled in the text count as such");
  parser.add_flag("--process-output,--process_output", args->with_output,
                  "measure the matrix of the logits too");
  parser.add_flag("--overwrite", args->overwrite, "replace an existing file");
  args->settings = SettingOptions::add(parser, compute_settings());
  return [args] { return imatrix(*args); };
}

}  // namespace chasqui::app
