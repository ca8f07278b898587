// chasqui eval: logits and greedy tokens, or embeddings, of given token ids, to compare with other
// engines (docs/contracts/parity.md).

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>

#include "app/commands/command.h"
#include "app/json_io.h"
#include "app/loaded_model.h"
#include "model/session.h"

namespace chasqui::app {
namespace {

namespace json = boost::json;

constexpr int64_t kMaxContext = 1 << 24;

// Rows of a step; an encoder reads its whole text in one.
constexpr int64_t kUsualRows = 512;

struct EvalCase {
  std::vector<int32_t> tokens;
  std::vector<int64_t> positions;
  int64_t greedy = 0;
  int64_t n_ctx = 0;
  int64_t chunk = 0;
};

struct EvalArgs {
  std::string model;
  std::string input;
  std::shared_ptr<SettingOptions> settings;
};

// The vocabulary is known when the model is loaded, and the model when the context is: ids are
// checked then (check_ids).
Result<EvalCase> read_case(const json::value& document) {
  if (!document.is_object()) {
    return fail(ErrorCode::kInvalidArgument, "the input must be a JSON object");
  }
  const json::object& object = document.get_object();
  EvalCase eval;
  CHASQUI_TRY(eval.tokens, index_list(object, "tokens", INT32_MAX, "a token id", "input"));
  if (eval.tokens.empty()) return fail(ErrorCode::kInvalidArgument, "input: tokens is empty");
  const auto count = static_cast<int64_t>(eval.tokens.size());
  if (object.contains("positions")) {
    CHASQUI_TRY(const auto positions, index_list(object, "positions", static_cast<int32_t>(count),
                                                 "a position", "input"));
    eval.positions.assign(positions.begin(), positions.end());
  }
  CHASQUI_TRY(eval.greedy, int_field(object, "greedy", 0, kMaxContext, 0, "input"));
  CHASQUI_TRY(eval.chunk, int_field(object, "chunk", 0, kMaxContext, 0, "input"));
  const int64_t needed = count + eval.greedy;
  CHASQUI_TRY(eval.n_ctx, int_field(object, "n_ctx", needed, kMaxContext, needed, "input"));
  return eval;
}

Status check_ids(const json::value& document, int64_t vocab) {
  const auto ids = index_list(document.get_object(), "tokens", static_cast<int32_t>(vocab),
                              "a token id", "input");
  if (!ids) return fail(ids.error());
  return {};
}

// The logit rows in the order in which they were asked for, which need not ascend.
json::array requested_rows(const EvalCase& eval, const std::vector<int64_t>& wanted,
                           const std::vector<float>& logits, size_t vocab) {
  json::array rows;
  for (const int64_t position : eval.positions) {
    const auto index =
        static_cast<size_t>(std::ranges::lower_bound(wanted, position) - wanted.begin());
    const std::span<const float> row(logits.data() + index * vocab, vocab);
    rows.push_back(json::value_from(std::vector<double>(row.begin(), row.end())));
  }
  return rows;
}

// Feeds the best token again and again; ends of generation do not stop it.
Status decode_greedily(model::Session& session, int64_t count, std::vector<float> logits,
                       json::object& result) {
  json::array tokens;
  json::array margins;
  for (int64_t i = 0; i < count; ++i) {
    const auto best = std::ranges::max_element(logits);
    const auto token = static_cast<int32_t>(best - logits.begin());
    const float top = *best;
    *best = -INFINITY;
    tokens.push_back(token);
    margins.push_back(static_cast<double>(top - *std::ranges::max_element(logits)));
    if (i + 1 == count) break;
    const int32_t fed[] = {token};
    const int64_t wanted[] = {0};
    CHASQUI_TRY(logits, session.feed(fed, wanted));
  }
  result["greedy"] = std::move(tokens);
  result["greedy_margins"] = std::move(margins);
  return {};
}

json::value numbers(std::span<const float> values) {
  return json::value_from(std::vector<double>(values.begin(), values.end()));
}

std::vector<float> mean_of(std::span<const float> rows, size_t width) {
  std::vector<double> sums(width, 0.0);
  for (size_t i = 0; i < rows.size(); ++i) sums[i % width] += static_cast<double>(rows[i]);
  std::vector<float> mean;
  const double count = static_cast<double>(rows.size() / width);
  for (const double sum : sums) mean.push_back(static_cast<float>(sum / count));
  return mean;
}

// The last hidden states, pooled in each way, and the scores of a model that ranks.
Result<json::object> embed(model::Model& model, const EvalCase& eval) {
  model::Session session(model, eval.n_ctx);
  std::vector<int64_t> all(eval.tokens.size());
  std::iota(all.begin(), all.end(), 0);
  CHASQUI_TRY(const std::vector<float> hidden, session.feed_hidden(eval.tokens, all, eval.chunk));
  const auto width = static_cast<size_t>(model.spec().hidden);
  const std::span<const float> rows(hidden);
  const std::vector<float> mean = mean_of(rows, width);
  json::object result;
  result["embedding"] = {{"mean", numbers(mean)},
                         {"cls", numbers(rows.first(width))},
                         {"last", numbers(rows.last(width))}};
  if (model.rank_outputs() > 0) {
    const model::Pooling pooling = model.spec().rank_head.pooling;
    std::span<const float> read = rows.first(width);
    if (pooling == model::Pooling::kLast) read = rows.last(width);
    if (pooling == model::Pooling::kMean) read = mean;
    result["rank_score"] = numbers(model.rank({read.begin(), read.end()}));
  }
  return result;
}

// Encoders and decoders that were made for embeddings.
bool embeds(const model::ModelSpec& spec) {
  return !spec.causal ||
         (spec.pooling != model::Pooling::kUnspecified && spec.pooling != model::Pooling::kNone);
}

Status eval(const EvalArgs& args) {
  CHASQUI_TRY(Settings settings, args.settings->resolve());
  CHASQUI_TRY(const json::value document, read_json_input(args.input));
  CHASQUI_TRY(const EvalCase eval, read_case(document));
  settings.n_ctx = eval.n_ctx;
  CHASQUI_TRY(const LoadedModel loaded,
              load_model({.path = args.model,
                          .with_tokenizer = false,
                          .max_rows = std::max<int64_t>(kUsualRows, std::ssize(eval.tokens))},
                         settings));
  model::Model& model = *loaded.model;
  CHASQUI_TRY_STATUS(check_ids(document, model.spec().vocab));

  model::CacheOptions cache = cache_types(settings);
  cache.blocks = model::session_blocks(model, eval.n_ctx);
  CHASQUI_TRY_STATUS(model.allocate_cache(cache));
  if (embeds(model.spec())) {
    CHASQUI_TRY(const json::object embedding, embed(model, eval));
    print_json(embedding);
    return {};
  }

  std::vector<int64_t> wanted = eval.positions;
  wanted.push_back(static_cast<int64_t>(eval.tokens.size()) - 1);
  std::ranges::sort(wanted);
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  model::Session session(model, eval.n_ctx);
  CHASQUI_TRY(const std::vector<float> logits, session.feed(eval.tokens, wanted, eval.chunk));

  const auto vocab = static_cast<size_t>(model.spec().vocab);
  json::object result;
  result["logits"] = requested_rows(eval, wanted, logits, vocab);
  std::vector<float> last(logits.end() - static_cast<std::ptrdiff_t>(vocab), logits.end());
  CHASQUI_TRY_STATUS(decode_greedily(session, eval.greedy, std::move(last), result));
  print_json(result);
  return {};
}

}  // namespace

Action declare_eval(CLI::App& parser) {
  auto args = std::make_shared<EvalArgs>();
  parser.add_option("MODEL", args->model, "GGUF file")->required();
  parser.add_option("--input", args->input, "JSON with tokens, positions, greedy; a file or -")
      ->required();
  args->settings = SettingOptions::add(parser, compute_settings());
  return [args] { return eval(*args); };
}

}  // namespace chasqui::app
