// chasqui bench: tokens per second of prefill, decode and batched decode, each beside the limit
// that this machine sets: memory bandwidth or the rate of its dot products, measured in the same
// run. All of it also deep in a context, with attention's share of the time and how fast it read
// keys and values.

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "app/commands/command.h"
#include "app/json_io.h"
#include "app/loaded_model.h"
#include "app/timed_backend.h"
#include "backend/cpu/cpu_backend.h"
#include "base/checked_math.h"
#include "base/clock.h"
#include "model/session.h"

namespace chasqui::app {
namespace {

namespace json = boost::json;

struct BenchArgs {
  std::string model;
  int64_t prefill = 512;
  int64_t decode = 32;
  std::vector<int64_t> batch = {1, 8};
  std::vector<int64_t> depth = {0};
  int64_t repeats = 3;
  bool as_json = false;
  bool layers = false;
  std::shared_ptr<SettingOptions> settings;
};

// What a token costs, from the tensors alone.
struct TokenCost {
  double macs = 0;          // multiply-adds of the matrices that a token goes through
  double head_macs = 0;     // those of the output matrix, which only tokens with logits meet
  double weight_bytes = 0;  // bytes of these matrices
};

struct Measurement {
  std::string what;
  int64_t tokens = 0;     // of a prefill
  int64_t sequences = 1;  // of a decode
  int64_t depth = 0;
  std::vector<double> rates;  // tokens per second
  double limit = 0;           // tokens per second
  std::string limited_by;
  OpTimes times;        // of all repetitions together
  double kv_bytes = 0;  // keys and values that attention read at least, in these times
  double attention_macs = 0;
};

// Microseconds of one layer of a decode step: a step's, divided by the layers (embedding and output
// matrix are counted to them).
struct LayerTimes {
  int64_t sequences = 1;
  int64_t depth = 0;
  double loops = 0;  // that the team shares
  double all_us = 0;
  double begin_us = 0;  // see LoopTimes
  double work_us = 0;
  double wait_us = 0;
};

// Tokens that fill a cache by computing; a deeper one is filled with copies of their blocks, which
// costs seconds instead of minutes and is as much memory and work to attention as any text.
constexpr int64_t kComputedTokens = 512;
static_assert(kComputedTokens % backend::kKvBlockTokens == 0);

TokenCost token_cost(const gguf::File& file, const model::ModelSpec& spec) {
  TokenCost cost;
  const bool tied = file.find_tensor("output.weight") == nullptr;
  const std::string_view head = tied ? "token_embd.weight" : "output.weight";
  for (const gguf::Tensor& tensor : file.tensors()) {
    if (tensor.n_dims < 2 || (tensor.name == "token_embd.weight" && !tied)) continue;
    // Of a stack of experts a token sees only some.
    const double share =
        tensor.n_dims == 3 && spec.experts.count > 0
            ? static_cast<double>(spec.experts.used) / static_cast<double>(spec.experts.count)
            : 1.0;
    cost.macs += share * static_cast<double>(tensor.view.elements());
    cost.weight_bytes += share * static_cast<double>(tensor.view.bytes.size());
    if (tensor.name == head) cost.head_macs = static_cast<double>(tensor.view.elements());
  }
  return cost;
}

// Some tokens that are nothing special: the values do not matter for speed.
std::vector<int32_t> filler(int64_t count, int64_t vocab, int64_t seed) {
  std::vector<int32_t> tokens(static_cast<size_t>(count));
  for (size_t i = 0; i < tokens.size(); ++i) {
    tokens[i] = static_cast<int32_t>((static_cast<int64_t>(i) * 7919 + seed * 31) % vocab);
  }
  return tokens;
}

class Bench {
 public:
  Bench(const BenchArgs& args, const Settings& settings, const LoadedModel& loaded,
        TimedBackend& backend)
      : args_(args),
        settings_(settings),
        model_(*loaded.model),
        backend_(backend),
        cost_(token_cost(*loaded.file, loaded.model->spec())) {}

  Status run(const gguf::File& file) {
    const int64_t most = std::max<int64_t>(1, *std::ranges::max_element(args_.batch));
    context_ = round_up(*std::ranges::max_element(args_.depth) +
                            std::max({args_.prefill, args_.decode + 1, int64_t{1}}),
                        backend::kKvBlockTokens);
    model::CacheOptions cache = cache_types(settings_);
    groups_ = model_.cache_groups(cache.key_type, cache.value_type);
    cache.blocks = model::session_blocks(model_, context_, most);
    CHASQUI_TRY_STATUS(model_.allocate_cache(cache));
    CHASQUI_TRY(limits_, backend::cpu::measure_limits(
                             static_cast<int>(std::max<int64_t>(settings_.n_threads, 0)),
                             settings_.cpu_isa, 0.5));
    // After the limits, whose threads would inherit its processor.
    backend_.adopt_thread();
    print_header(file);
    for (const int64_t depth : args_.depth) CHASQUI_TRY_STATUS(run_at(depth));
    return {};
  }

 private:
  Status run_at(int64_t depth) {
    if (args_.prefill > 0) {
      CHASQUI_TRY(const Measurement prefill, measure_prefill(depth));
      report(prefill);
    }
    for (const int64_t sequences : args_.batch) {
      if (args_.decode == 0) break;
      CHASQUI_TRY(const Measurement decode, measure_decode(depth, sequences));
      report(decode);
      if (!args_.layers) continue;
      CHASQUI_TRY(const LayerTimes layer, measure_layer(depth, sequences));
      report(layer);
    }
    return {};
  }

  Result<Measurement> measure_prefill(int64_t depth) {
    Measurement m{.what = "prefill",
                  .tokens = args_.prefill,
                  .depth = depth,
                  .rates = {},
                  .limited_by = "int8",
                  .times = {}};
    const auto count = static_cast<double>(args_.prefill);
    m.limit =
        limits_.int8_gmac_per_s * 1e9 / (cost_.macs - cost_.head_macs + cost_.head_macs / count);
    const auto tokens = filler(args_.prefill, model_.spec().vocab, 1);
    // The logits of the last token are part of a prefill.
    const int64_t wanted[] = {args_.prefill - 1};
    CHASQUI_TRY(std::vector<model::Session> sessions, filled_sessions(1, depth));
    for (int64_t i = 0; i <= args_.repeats; ++i) {
      CHASQUI_TRY_STATUS(rewind(sessions[0], depth));
      backend_.reset();
      const Instant begin = clock_.now();
      CHASQUI_TRY_STATUS(feed(sessions[0], tokens, wanted));
      if (i == 0) continue;  // warms caches and page tables
      m.rates.push_back(count / since(begin));
      count_attention(m, depth, args_.prefill, 0);
    }
    return m;
  }

  Result<Measurement> measure_decode(int64_t depth, int64_t sequences) {
    Measurement m{.what = "decode",
                  .sequences = sequences,
                  .depth = depth,
                  .rates = {},
                  .limited_by = "memory",
                  .times = {}};
    const auto count = static_cast<double>(sequences);
    const double by_memory = limits_.read_gb_per_s * 1e9 * count /
                             (cost_.weight_bytes + count * context_bytes(depth + args_.decode / 2));
    const double by_compute = limits_.int8_gmac_per_s * 1e9 / cost_.macs;
    m.limit = std::min(by_memory, by_compute);
    if (by_compute < by_memory) m.limited_by = "int8";
    CHASQUI_TRY(std::vector<model::Session> sessions, filled_sessions(sequences, depth));
    for (int64_t i = 0; i < args_.repeats; ++i) {
      for (model::Session& session : sessions) CHASQUI_TRY_STATUS(rewind(session, depth));
      decode_step(sessions);  // warms up
      backend_.reset();
      const Instant begin = clock_.now();
      for (int64_t step = 1; step < args_.decode; ++step) decode_step(sessions);
      m.rates.push_back(count * static_cast<double>(args_.decode - 1) / since(begin));
      count_attention(m, depth + 1, args_.decode - 1, sequences);
    }
    return m;
  }

  Result<LayerTimes> measure_layer(int64_t depth, int64_t sequences) {
    CHASQUI_TRY(std::vector<model::Session> sessions, filled_sessions(sequences, depth));
    decode_step(sessions);
    backend_.measure_loops();
    const Instant begin = clock_.now();
    for (int64_t step = 1; step < args_.decode; ++step) decode_step(sessions);
    const double seconds = since(begin);
    const LoopTimes times = backend_.loop_times();
    const auto layers = static_cast<double>(model_.spec().layers.size()) *
                        static_cast<double>(std::max<int64_t>(args_.decode - 1, 1));
    return LayerTimes{.sequences = sequences,
                      .depth = depth,
                      .loops = static_cast<double>(times.loops) / layers,
                      .all_us = 1e6 * seconds / layers,
                      .begin_us = 1e6 * times.begin_s / layers,
                      .work_us = 1e6 * times.work_s / layers,
                      .wait_us = 1e6 * times.wait_s / layers};
  }

  // Adds what attention did since the last reset: `rows` rows after `begin` tokens, decoded one by
  // one by each of `sequences`, or for 0 at once, as a prompt.
  void count_attention(Measurement& m, int64_t begin, int64_t rows, int64_t sequences) const {
    const OpTimes times = backend_.times();
    m.times.attention += times.attention;
    m.times.products += times.products;
    m.times.other += times.other;
    for (int64_t row = 0; row < rows; ++row) {
      const auto copies = static_cast<double>(std::max<int64_t>(sequences, 1));
      m.kv_bytes += sequences > 0 ? copies * context_bytes(begin + row + 1) : 0;
      for (const model::LayerSpec& layer : model_.spec().layers) {
        const int64_t window = groups_[static_cast<size_t>(layer.cache_group)].window_tokens;
        m.attention_macs += copies * static_cast<double>(seen(begin + row + 1, window)) *
                            static_cast<double>(layer.heads * (layer.key_dim + layer.value_dim));
      }
    }
  }

  static int64_t seen(int64_t tokens, int64_t window) {
    return window > 0 ? std::min(tokens, window) : tokens;
  }

  // Keys and values that a row after `tokens` tokens sees, in all layers, and its states.
  double context_bytes(int64_t tokens) const {
    double bytes = 0;
    for (const CacheSpec& group : groups_) {
      if (group.state_every_tokens > 0) {
        bytes += 2 * static_cast<double>(group.bytes_per_block);  // read and written
        continue;
      }
      bytes += static_cast<double>(group.bytes_per_block * seen(tokens, group.window_tokens)) /
               static_cast<double>(group.block_tokens);
    }
    return bytes;
  }

  // Back to the first `depth` tokens, which are computed again where a state cannot go back.
  Status rewind(model::Session& session, int64_t depth) {
    session.truncate(session.can_truncate(depth) ? depth : 0);
    if (session.length() == depth) return {};
    return feed(session, filler(depth, model_.spec().vocab, 1), {});
  }

  // Sequences with `depth` tokens in the cache. The first ones are computed, the others' blocks
  // and those beyond kComputedTokens copied from them, each into memory of its own; recurrent
  // states are all computed.
  Result<std::vector<model::Session>> filled_sessions(int64_t count, int64_t depth) {
    const int64_t blocks_each = context_ / backend::kKvBlockTokens;
    std::vector<model::Session> sessions;
    for (int64_t i = 0; i < count; ++i) {
      sessions.emplace_back(model_, context_, i);
    }
    if (depth == 0) return sessions;
    if (model_.spec().state_group >= 0) {
      for (model::Session& session : sessions) CHASQUI_TRY_STATUS(rewind(session, depth));
      return sessions;
    }
    const int64_t computed = std::min(depth, kComputedTokens);
    CHASQUI_TRY_STATUS(feed(sessions[0], filler(computed, model_.spec().vocab, 1), {}));
    const int64_t source_blocks = ceil_div(computed, backend::kKvBlockTokens);
    std::vector<BlockCopy> copies;
    for (int64_t i = 0; i < count; ++i) {
      for (int64_t b = i == 0 ? source_blocks : 0; b < ceil_div(depth, backend::kKvBlockTokens);
           ++b) {
        for (int32_t group = 0; group < static_cast<int32_t>(groups_.size()); ++group) {
          copies.push_back({group, static_cast<int32_t>(b % source_blocks),
                            static_cast<int32_t>(i * blocks_each + b)});
        }
      }
      model::Session& session = sessions[static_cast<size_t>(i)];
      session.advance(depth - session.length());
    }
    decode_step(sessions, copies);  // a step carries them out
    return sessions;
  }

  // Feeds for the sake of the time it takes.
  static Status feed(model::Session& session, std::span<const int32_t> tokens,
                     std::span<const int64_t> wanted) {
    const auto fed = session.feed(tokens, wanted);
    if (!fed) return fail(fed.error());
    return {};
  }

  // One token for each session, in one forward pass.
  void decode_step(std::vector<model::Session>& sessions, std::span<const BlockCopy> copies = {}) {
    const auto count = static_cast<int64_t>(sessions.size());
    const auto tokens = filler(count, model_.spec().vocab, sessions.front().length());
    std::vector<int32_t> positions;
    std::vector<int32_t> rows(sessions.size());
    std::iota(rows.begin(), rows.end(), 0);
    std::vector<std::vector<backend::SequenceSlice>> slices(groups_.size());
    for (int64_t i = 0; i < count; ++i) {
      model::Session& session = sessions[static_cast<size_t>(i)];
      positions.push_back(static_cast<int32_t>(session.length()));
      for (size_t g = 0; g < slices.size(); ++g) {
        slices[g].push_back(session.slice(static_cast<int>(g), i, 1));
      }
    }
    const std::vector<std::span<const backend::SequenceSlice>> groups(slices.begin(), slices.end());
    model_.forward({.tokens = tokens,
                    .positions = positions,
                    .groups = groups,
                    .copies = copies,
                    .logit_rows = rows,
                    .hidden_rows = {}});
    for (model::Session& session : sessions) session.advance(1);
  }

  double since(Instant begin) const { return seconds_between(begin, clock_.now()); }

  void print_header(const gguf::File& file) const {
    if (args_.as_json) return;
    fmt::print(
        "{}\nlimits of this machine: reads {:.1f} GB/s, int8 {:.0f} GMAC/s, f32 {:.0f} "
        "GMAC/s; a token: {:.3f} GMAC, {:.1f} MB of weights\n\n",
        file.path(), limits_.read_gb_per_s, limits_.int8_gmac_per_s, limits_.f32_gmac_per_s,
        cost_.macs / 1e9, cost_.weight_bytes / 1e6);
    fmt::print("{:<10} {:>8} {:>10} {:>8} {:>12} {:>12} {:>12}  {:<16} {:>10}  {}\n", "what",
               "tokens", "sequences", "depth", "best t/s", "median t/s", "limit t/s",
               "of the limit", "attention", "its rate");
  }

  void report(const Measurement& m) const {
    std::vector<double> rates = m.rates;
    std::ranges::sort(rates);
    const double best = rates.back();
    const double median = rates[rates.size() / 2];
    if (!args_.as_json) {
      fmt::print("{:<10} {:>8} {:>10} {:>8} {:>12.1f} {:>12.1f} {:>12.1f}  {:<16} {:>8.0f} %  {}\n",
                 m.what, m.what == "prefill" ? m.tokens : args_.decode, m.sequences, m.depth, best,
                 median, m.limit, fmt::format("{:.0f} % ({})", 100 * best / m.limit, m.limited_by),
                 100 * attention_share(m), attention_rate(m));
      return;
    }
    json::object line{{"engine", "chasqui"}, {"what", m.what}};
    if (m.what == "prefill") {
      line["tokens"] = m.tokens;
    } else {
      line["sequences"] = m.sequences;
    }
    line["depth"] = m.depth;
    line["threads"] = settings_.n_threads;
    line["type_k"] = settings_.type_k;
    line["type_v"] = settings_.type_v;
    line["best"] = best;
    line["median"] = median;
    line["attention"] = {{"share", attention_share(m)},
                         {"kv_gb_per_s", m.kv_bytes / m.times.attention * 1e-9},
                         {"gmac_per_s", m.attention_macs / m.times.attention * 1e-9}};
    line["limit"] = {{"tokens_per_s", m.limit},
                     {"by", m.limited_by},
                     {"read_gb_per_s", limits_.read_gb_per_s},
                     {"int8_gmac_per_s", limits_.int8_gmac_per_s},
                     {"f32_gmac_per_s", limits_.f32_gmac_per_s}};
    print_json(line);
  }

  // Of the time inside ops.
  static double attention_share(const Measurement& m) {
    return m.times.attention / (m.times.attention + m.times.products + m.times.other);
  }

  // Decoding reads; a prompt multiplies.
  std::string attention_rate(const Measurement& m) const {
    if (m.what == "prefill") {
      const double rate = m.attention_macs / m.times.attention * 1e-9;
      return fmt::format("{:.0f} GMAC/s ({:.0f} % of f32)", rate,
                         100 * rate / limits_.f32_gmac_per_s);
    }
    const double rate = m.kv_bytes / m.times.attention * 1e-9;
    return fmt::format("{:.1f} GB/s ({:.0f} % of reads)", rate, 100 * rate / limits_.read_gb_per_s);
  }

  void report(const LayerTimes& layer) const {
    if (!args_.as_json) {
      fmt::print(
          "{:<10} {:>8} {:>10} {:>8}  {:.2f} us: {:.1f} loops, {:.2f} us to begin them, {:.2f} in "
          "them, {:.2f} waiting at their ends, {:.2f} between them\n",
          "a layer", "", layer.sequences, layer.depth, layer.all_us, layer.loops, layer.begin_us,
          layer.work_us, layer.wait_us, between(layer));
      return;
    }
    print_json(json::object{{"engine", "chasqui"},
                            {"what", "layer"},
                            {"sequences", layer.sequences},
                            {"depth", layer.depth},
                            {"threads", settings_.n_threads},
                            {"loops", layer.loops},
                            {"us", layer.all_us},
                            {"begin_us", layer.begin_us},
                            {"work_us", layer.work_us},
                            {"wait_us", layer.wait_us},
                            {"between_us", between(layer)}});
  }
  static double between(const LayerTimes& layer) {
    return layer.all_us - layer.begin_us - layer.work_us - layer.wait_us;
  }

  const BenchArgs& args_;
  const Settings& settings_;
  model::Model& model_;
  TimedBackend& backend_;
  std::vector<CacheSpec> groups_;
  TokenCost cost_;
  Clock clock_;
  int64_t context_ = 0;
  backend::cpu::MachineLimits limits_;
};

Status bench(const BenchArgs& args) {
  CHASQUI_TRY(const Settings settings, args.settings->resolve());
  const int64_t most = *std::ranges::max_element(args.batch);
  TimedBackend* timed = nullptr;
  const auto wrap = [&timed](std::unique_ptr<backend::Backend> backend) {
    auto wrapped = make_timed_backend(std::move(backend));
    timed = wrapped.get();
    return wrapped;
  };
  CHASQUI_TRY(const LoadedModel loaded, load_model({.path = args.model,
                                                    .with_tokenizer = false,
                                                    .max_rows = std::max<int64_t>(512, most),
                                                    .max_logit_rows = std::max<int64_t>(1, most),
                                                    .wrap = wrap},
                                                   settings));
  if (!loaded.model->spec().causal) {
    return fail(ErrorCode::kUnsupported,
                args.model + ": an encoder decodes nothing; bench measures models that generate");
  }
  return Bench(args, settings, loaded, *timed).run(*loaded.file);
}

}  // namespace

Action declare_bench(CLI::App& parser) {
  auto args = std::make_shared<BenchArgs>();
  parser.add_option("MODEL", args->model, "GGUF file")->required();
  parser.add_option("-p,--prefill", args->prefill, "tokens of the prompt")
      ->check(CLI::Range(0, 1 << 20));
  parser.add_option("-n,--decode", args->decode, "tokens to decode")->check(CLI::Range(0, 1 << 20));
  parser.add_option("--batch", args->batch, "numbers of sequences that decode together")
      ->delimiter(',')
      ->check(CLI::Range(1, 4096));
  parser
      .add_option(
          "--depth", args->depth,
          "tokens in the cache before each measurement; of more than 512 the rest is copied "
          "from these")
      ->delimiter(',')
      ->check(CLI::Range(0, 1 << 20));
  parser.add_option("--repeats", args->repeats, "measurements of each kind")
      ->check(CLI::Range(1, 1000));
  parser.add_flag("--layers", args->layers,
                  "also where the time of a layer goes: work, and waiting of the threads for each "
                  "other");
  parser.add_flag("--json", args->as_json, "JSON lines instead of a table");
  args->settings = SettingOptions::add(parser, compute_settings());
  parser.add_option_function<std::string>(
      "-t,--threads",
      [settings = args->settings](const std::string& n) { settings->give("n_threads", n); },
      "the same as --n_threads");
  return [args] { return bench(*args); };
}

}  // namespace chasqui::app
