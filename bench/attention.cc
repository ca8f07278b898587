// How fast attention is, beside what the machine could do at most: decode against streaming reads,
// prefill against fused multiply-adds. Prints a JSON line a case.
//
//   chasqui_bench_attention [--threads N] [--isa LEVEL] [--seconds S] [--type_k TYPE]
//                           [--type_v TYPE] [--head-dim D] [--kv-heads N] [--context N,...]
//                           [--stream-mb N]
//
// Decode is one row of one sequence per layer, over as many layers as it takes to exceed the
// caches, as a model of that many layers would do. Prefill is a chunk of 128 rows at the end of
// the context: long enough to be typical, short enough to pass undisturbed on a shared machine.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "backend/cpu/cpu_backend.h"
#include "base/rng.h"

namespace {

using namespace chasqui;
using namespace chasqui::backend;

struct Options {
  int threads = 0;
  std::string isa;
  double seconds = 0.5;
  std::string type_k = "f16";
  std::string type_v = "f16";
  int64_t head_dim = 0;  // 0: 64 and 128
  int64_t kv_heads = 8;  // of 32 query heads
  std::vector<int64_t> context = {1024, 2048, 4096, 16384, 32768};
  int64_t stream_mb = 256;  // the machine's caches are smaller than this
};

constexpr int64_t kHeads = 32;
constexpr int64_t kPrefillRows = 128;

double now_s() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Best time of one call: noise only ever adds.
template <typename Fn>
double best_seconds(double budget, const Fn& fn) {
  fn();
  double best = 1e30;
  for (const double end = now_s() + budget; now_s() < end;) {
    const double start = now_s();
    fn();
    best = std::min(best, now_s() - start);
  }
  return best;
}

struct Case {
  int64_t head_dim;
  int64_t heads;
  int64_t kv_heads;
  int64_t context;
  DType key_type;
  DType value_type;
};

// Pools of several layers, filled with random keys and values.
class Layers {
 public:
  Layers(Backend& backend, const Case& c, int64_t stream_bytes) : backend_(backend), case_(c) {
    const KvSpec spec = {
        c.context / kKvBlockTokens, c.kv_heads, c.head_dim, c.head_dim, c.key_type, c.value_type};
    table_.resize(static_cast<size_t>(spec.blocks));
    std::iota(table_.begin(), table_.end(), 0);
    Rng rng(1);
    // Blocks in no particular order, as a server that has run for a while hands them out.
    for (size_t i = table_.size(); i > 1; --i) std::swap(table_[i - 1], table_[rng.below(i)]);
    do {
      pools_.push_back(std::move(backend.allocate_kv(spec).value()));
      fill(*pools_.back(), rng);
    } while (bytes() < stream_bytes);
  }

  int64_t count() const { return static_cast<int64_t>(pools_.size()); }
  int64_t bytes() const { return count() * pools_[0]->block_bytes() * pools_[0]->spec().blocks; }

  void attend(int64_t layer, Matrix q, Matrix out) {
    const SequenceSlice slice = {0, q.rows, case_.context - q.rows, table_};
    AttentionArgs args;
    args.q = q;
    args.out = out;
    args.pool = pools_[static_cast<size_t>(layer)].get();
    args.slices = {&slice, 1};
    args.heads = case_.heads;
    args.scale = 0.1f;
    backend_.attention(args);
  }

 private:
  void fill(KvPool& pool, Rng& rng) {
    const int64_t cols = case_.kv_heads * case_.head_dim;
    std::vector<float> rows(static_cast<size_t>(case_.context * cols));
    for (float& x : rows) x = static_cast<float>(rng.uniform()) - 0.5f;
    const SequenceSlice slice = {0, case_.context, 0, table_};
    const Matrix m = dense(rows.data(), case_.context, cols);
    backend_.store_kv({m, m, &pool, {&slice, 1}});
  }

  Backend& backend_;
  const Case case_;
  std::vector<int32_t> table_;
  std::vector<std::unique_ptr<KvPool>> pools_;
};

void run_case(Backend& backend, const Case& c, const Options& options,
              const cpu::MachineLimits& limits) {
  Layers layers(backend, c, options.stream_mb << 20);
  const int64_t cols = c.heads * c.head_dim;
  std::vector<float> q(static_cast<size_t>(kPrefillRows * cols), 0.25f), out(q.size());

  const double decode = best_seconds(options.seconds, [&] {
    for (int64_t layer = 0; layer < layers.count(); ++layer) {
      layers.attend(layer, dense(q.data(), 1, cols), dense(out.data(), 1, cols));
    }
  });
  const double gb_per_s = static_cast<double>(layers.bytes()) / decode * 1e-9;

  const double prefill = best_seconds(options.seconds, [&] {
    layers.attend(0, dense(q.data(), kPrefillRows, cols), dense(out.data(), kPrefillRows, cols));
  });
  // Row r sees context - rows + r + 1 tokens; keys and values each cost head_dim a token.
  const double seen = static_cast<double>(kPrefillRows) *
                      (static_cast<double>(c.context) - static_cast<double>(kPrefillRows - 1) / 2);
  const double gmac_per_s = seen * static_cast<double>(2 * c.head_dim * c.heads) / prefill * 1e-9;

  fmt::print(
      "{{\"bench\":\"attention\",\"backend\":\"{}\",\"type_k\":\"{}\",\"type_v\":\"{}\","
      "\"head_dim\":{},\"heads\":{},\"kv_heads\":{},\"context\":{},"
      "\"decode_us\":{:.1f},\"decode_gb_per_s\":{:.2f},"
      "\"read_limit_gb_per_s\":{:.2f},\"decode_of_limit\":{:.3f},\"prefill_rows\":{},"
      "\"prefill_ms\":{:.3f},\"prefill_gmac_per_s\":{:.1f},\"fma_limit_gmac_per_s\":{:.1f},"
      "\"prefill_of_limit\":{:.3f}}}\n",
      backend.name(), dtype_info(c.key_type).name, dtype_info(c.value_type).name, c.head_dim,
      c.heads, c.kv_heads, c.context, decode / static_cast<double>(layers.count()) * 1e6, gb_per_s,
      limits.read_gb_per_s, gb_per_s / limits.read_gb_per_s, kPrefillRows, prefill * 1e3,
      gmac_per_s, limits.f32_gmac_per_s, gmac_per_s / limits.f32_gmac_per_s);
  std::fflush(stdout);
}

int run(const Options& options) {
  const DTypeInfo* key = find_dtype(options.type_k);
  const DTypeInfo* value = find_dtype(options.type_v);
  if (key == nullptr || value == nullptr) return fmt::print(stderr, "no such type\n"), 1;
  cpu::CpuOptions cpu_options;
  cpu_options.threads = options.threads;
  cpu_options.isa = options.isa;
  auto backend = cpu::make_cpu_backend(cpu_options);
  if (!backend) return fmt::print(stderr, "{}\n", backend.error().message), 1;
  const int threads = options.threads > 0 ? options.threads : 1;
  for (const int64_t head_dim : {int64_t{64}, int64_t{128}}) {
    if (options.head_dim != 0 && options.head_dim != head_dim) continue;
    for (const int64_t context : options.context) {
      // Measured anew for each case: the machine may be shared, and only ratios within seconds of
      // each other mean something.
      const auto limits = cpu::measure_limits(threads, options.isa, options.seconds);
      if (!limits) return fmt::print(stderr, "{}\n", limits.error().message), 1;
      run_case(**backend, {head_dim, kHeads, options.kv_heads, context, key->type, value->type},
               options, *limits);
    }
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app{"Attention kernels beside the machine's limits"};
  app.add_option("--threads", options.threads, "threads; 0: one");
  app.add_option("--isa", options.isa, "instruction-set level; empty: the best");
  app.add_option("--seconds", options.seconds, "time for each measurement");
  app.add_option("--type_k", options.type_k, "type of the keys");
  app.add_option("--type_v", options.type_v, "type of the values");
  app.add_option("--head-dim", options.head_dim, "64 or 128; 0: both");
  app.add_option("--kv-heads", options.kv_heads, "of 32 heads");
  app.add_option("--context", options.context, "tokens in the cache")->delimiter(',');
  app.add_option("--stream-mb", options.stream_mb,
                 "decode reads at least so much a round; 1: what the caches hold");
  CLI11_PARSE(app, argc, argv);
  if (options.threads <= 0) options.threads = 1;
  return run(options);
}
