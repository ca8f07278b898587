// chasqui perplexity: how surprised a model is by a text, and what quantisation cost.

#include "app/perplexity.h"

#include <fmt/format.h>

#include <filesystem>
#include <optional>

#include "app/commands/command.h"
#include "app/interrupt.h"
#include "app/json_io.h"
#include "app/loaded_model.h"
#include "app/progress_bar.h"
#include "app/text_chunks.h"
#include "model/session.h"

namespace chasqui::app {
namespace {

namespace json = boost::json;

// Rows of logits that are computed together: little memory for large vocabularies.
constexpr int64_t kLogitRows = 64;

struct PerplexityArgs {
  std::string model;
  std::string text;
  std::string base;
  ChunkOptions chunks;
  bool as_json = false;
  std::shared_ptr<SettingOptions> settings;
};

// A model that reads chunks from an empty context.
struct Reader {
  LoadedModel loaded;
  std::unique_ptr<model::Session> session;
};

Result<Reader> open_reader(const std::string& path, const Settings& settings) {
  Reader reader;
  CHASQUI_TRY(reader.loaded, load_model({.path = path, .max_logit_rows = kLogitRows}, settings));
  return reader;
}

// Gives it a context of `tokens`.
Status begin_session(Reader& reader, int64_t tokens, const Settings& settings) {
  model::Model& model = *reader.loaded.model;
  model::CacheOptions cache = cache_types(settings);
  cache.blocks = model::session_blocks(model, tokens);
  CHASQUI_TRY_STATUS(model.allocate_cache(cache));
  reader.session = std::make_unique<model::Session>(model, tokens);
  return {};
}

// The logits after each of `tokens`, one row after another.
Result<std::vector<float>> feed_all(Reader& reader, std::span<const int32_t> tokens) {
  std::vector<int64_t> wanted(tokens.size());
  for (size_t i = 0; i < wanted.size(); ++i) wanted[i] = static_cast<int64_t>(i);
  return reader.session->feed(tokens, wanted);
}

struct Scores {
  Perplexity perplexity;
  Perplexity base_perplexity;
  Divergence divergence;
};

// The first half of a chunk is context for the second, whose tokens are scored: each of them has
// been read with at least half of the context, as is custom.
Status score_chunk(std::span<const int32_t> chunk, Reader& reader, Reader* base, Scores& scores) {
  const size_t half = chunk.size() / 2;
  for (Reader* one : {&reader, base}) {
    if (one == nullptr) continue;
    one->session->truncate(0);
    CHASQUI_TRY_STATUS(one->session->feed(chunk.first(half), {}));
  }
  const auto vocab = static_cast<size_t>(reader.loaded.model->spec().vocab);
  for (size_t at = half; at + 1 < chunk.size(); at += kLogitRows) {
    const size_t count = std::min<size_t>(kLogitRows, chunk.size() - 1 - at);
    const auto piece = chunk.subspan(at, count);
    CHASQUI_TRY(const std::vector<float> logits, feed_all(reader, piece));
    std::vector<float> base_logits;
    if (base != nullptr) {
      CHASQUI_TRY(base_logits, feed_all(*base, piece));
    }
    for (size_t i = 0; i < count; ++i) {
      const int32_t next = chunk[at + i + 1];
      const auto row = std::span(logits).subspan(i * vocab, vocab);
      scores.perplexity.add(row, next);
      if (base == nullptr) continue;
      const auto base_row = std::span(std::as_const(base_logits)).subspan(i * vocab, vocab);
      scores.base_perplexity.add(base_row, next);
      scores.divergence.add(base_row, row);
    }
  }
  return {};
}

Status score(const TextChunks& chunks, Reader& reader, Reader* base, bool quiet, Scores& scores) {
  for (int64_t i = 0; i < chunks.count(); ++i) {
    if (interrupted())
      return fail(ErrorCode::kCancelled, fmt::format("interrupted after {} chunks", i));
    CHASQUI_TRY_STATUS(score_chunk(chunks.chunk(i), reader, base, scores));
    if (quiet) continue;
    fmt::print("[{}/{}] {:.4f}\n", i + 1, chunks.count(), scores.perplexity.value());
    std::fflush(stdout);
  }
  return {};
}

json::object mean_json(double value, double error) {
  return {{"value", value}, {"error", error}};
}

void print_scores(const PerplexityArgs& args, int64_t chunks, const Scores& scores) {
  const Perplexity& own = scores.perplexity;
  const Perplexity& base = scores.base_perplexity;
  const Mean& nats = scores.divergence.nats();
  const Mean& same = scores.divergence.same_best();
  if (args.as_json) {
    json::object out{{"chunks", chunks},
                     {"chunk_tokens", args.chunks.tokens},
                     {"scored_tokens", own.count()},
                     {"perplexity", mean_json(own.value(), own.error())}};
    if (base.count() > 0) {
      out["base_perplexity"] = mean_json(base.value(), base.error());
      out["kl_divergence"] = mean_json(nats.value(), nats.error());
      out["same_best"] = mean_json(same.value(), same.error());
    }
    return print_json(out);
  }
  fmt::print("perplexity {:.4f} +- {:.4f}: {} tokens scored, {} chunks of {}\n", own.value(),
             own.error(), own.count(), chunks, args.chunks.tokens);
  if (base.count() == 0) return;
  fmt::print("base       {:.4f} +- {:.4f}\n", base.value(), base.error());
  fmt::print("KL divergence from the base {:.6f} +- {:.6f} nats\n", nats.value(), nats.error());
  fmt::print("same best token {:.2f} +- {:.2f} %\n", 100 * same.value(), 100 * same.error());
}

Status check_vocabularies(const PerplexityArgs& args, const Reader& reader, const Reader& base) {
  const int64_t vocab = reader.loaded.model->spec().vocab;
  const int64_t base_vocab = base.loaded.model->spec().vocab;
  if (vocab == base_vocab) return {};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("{} has {} tokens in its vocabulary and {} has {}: their predictions "
                          "cannot be compared",
                          args.model, vocab, args.base, base_vocab));
}

Status perplexity(const PerplexityArgs& args) {
  CHASQUI_TRY(Settings settings, args.settings->resolve());
  settings.n_ctx = args.chunks.tokens;
  CHASQUI_TRY(Reader reader, open_reader(args.model, settings));
  CHASQUI_TRY(const TextChunks chunks,
              TextChunks::read(args.text, *reader.loaded.tokenizer, args.chunks));
  chunks.warn_beyond(reader.loaded.model->spec().context_length, args.model);
  CHASQUI_TRY_STATUS(begin_session(reader, chunks.length(), settings));
  std::optional<Reader> base;
  if (!args.base.empty()) {
    CHASQUI_TRY(base, open_reader(args.base, settings));
    CHASQUI_TRY_STATUS(check_vocabularies(args, reader, *base));
    CHASQUI_TRY_STATUS(begin_session(*base, chunks.length(), settings));
  }
  remember_interrupts();
  Scores scores;
  CHASQUI_TRY_STATUS(score(chunks, reader, base ? &*base : nullptr, args.as_json, scores));
  print_scores(args, chunks.count(), scores);
  return {};
}

}  // namespace

Action declare_perplexity(CLI::App& parser) {
  auto args = std::make_shared<PerplexityArgs>();
  parser.add_option("MODEL", args->model, "GGUF file")->required();
  parser.add_option("TEXT", args->text, "text file to be predicted")->required();
  parser.add_option(
      "--base", args->base,
      "a second model, to tell how far the predictions of the first lie from its own");
  parser.add_option("--n-ctx,--n_ctx", args->chunks.tokens, "tokens of a chunk")
      ->check(CLI::Range(4, 1 << 20))
      ->capture_default_str();
  parser.add_option("--chunks", args->chunks.most, "chunks to read at most; 0: all")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  parser.add_flag("--parse-special,--parse_special", args->chunks.parse_special,
                  "control tokens spelled in the text count as such");
  parser.add_flag("--json", args->as_json, "one JSON document at the end");
  args->settings = SettingOptions::add(parser, compute_settings());
  return [args] { return perplexity(*args); };
}

}  // namespace chasqui::app
