// chasqui_bench_kernels: speed of linear() for each weight format and number of tokens, beside what
// the machine can do in the same run. JSON lines on stdout, a table on stderr.
//
//   chasqui_bench_kernels [--threads N] [--isa LEVEL] [--rows N] [--cols K] [--seconds S]
//                         [--types Q4_K,Q8_0] [--tokens 1,8,512] [--working-set MIB] [--cpu-time]
//
// --cpu-time counts processor time in place of wall time (of one thread): for machines that others
// use at the same moment. Memory rates are still theirs to spoil.
#include <fmt/format.h>
#include <time.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "backend/cpu/cpu_backend.h"
#include "base/rng.h"
#include "quant/quant_type.h"

namespace {

using namespace chasqui;
using namespace chasqui::backend;

struct Settings {
  int threads = 2;
  std::string isa;
  int64_t rows = 5632;
  int64_t cols = 2048;
  double seconds = 0.3;  // for each figure
  // Copies of the matrix that are worked through in turn: enough that one token reads from memory.
  // 0 is one copy: a small matrix then shows what the kernel does without memory.
  int64_t working_set_mib = 256;
  bool cpu_time = false;
  std::vector<std::string> types = {"F32",  "F16",  "BF16", "Q8_0", "Q4_0", "Q4_1",
                                    "Q5_0", "Q5_1", "Q4_K", "Q5_K", "Q6_K"};
  std::vector<int64_t> tokens = {1, 2, 4, 8, 16, 64, 512};
};

// Random bits that decode to numbers of ordinary size: for formats that cannot be written here.
void random_block(Rng& rng, const DTypeInfo& info, std::byte* block) {
  std::vector<float> values(info.block_values);
  const auto ordinary = [](float v) { return std::fabs(v) < 100; };  // not for NaN
  do {
    for (uint32_t i = 0; i < info.block_bytes; ++i) block[i] = static_cast<std::byte>(rng.next());
    quant::decode_row(info.type, block, values);
  } while (!std::ranges::all_of(values, ordinary));
}

// Random normal weights in the format. One panel is made and repeated: encoders are slow.
std::vector<std::byte> random_weights(DType type, int64_t rows, int64_t cols) {
  Rng rng(1);
  std::vector<float> values(static_cast<size_t>(16 * cols));
  for (float& v : values) v = static_cast<float>(rng.normal()) * 0.02f;
  const DTypeInfo& info = dtype_info(type);
  const auto encode = quant::find_quant_type(type)->encode;
  std::vector<std::byte> once(values.size() / info.block_values * info.block_bytes);
  if (encode != nullptr) {
    encode(values.data(), nullptr, once.data(),
           static_cast<int64_t>(values.size()) / info.block_values);
  } else {
    for (size_t at = 0; at < once.size(); at += info.block_bytes) {
      random_block(rng, info, once.data() + at);
    }
  }
  std::vector<std::byte> all;
  for (int64_t r = 0; r < rows; r += 16) all.insert(all.end(), once.begin(), once.end());
  return all;
}

struct Bench {
  const Settings& settings;
  Backend& backend;
  Backend& exact;
  cpu::MachineLimits limits;
};

// Root mean square of the difference to f32 activations and decoded weights, relative to the
// result: what a logit loses by the activations' 8 bits.
double relative_error(const Bench& bench, const Weight& weight, const TensorView& view, Matrix x) {
  const auto truth = std::move(*bench.exact.prepare(view, WeightUse::kMatrix, "w"));
  const int64_t rows = 4;
  std::vector<float> y(static_cast<size_t>(rows * view.rows()));
  std::vector<float> want(y.size());
  x.rows = rows;
  const LinearTarget a = {&weight, nullptr, dense(y.data(), rows, view.rows())};
  const LinearTarget b = {truth.get(), nullptr, dense(want.data(), rows, view.rows())};
  bench.backend.linear({x, {&a, 1}});
  bench.exact.linear({x, {&b, 1}});
  double off = 0, all = 0;
  for (size_t i = 0; i < y.size(); ++i) {
    off += std::pow(double{y[i]} - want[i], 2);
    all += std::pow(double{want[i]}, 2);
  }
  return std::sqrt(off / all);
}

double now(const Settings& settings) {
  timespec time = {};
  clock_gettime(settings.cpu_time ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

// Best time of one linear() in seconds.
double best_time(const Bench& bench, const std::vector<std::unique_ptr<Weight>>& weights, Matrix x,
                 Matrix y) {
  const double begin = now(bench.settings);
  double best = 1e9;
  do {
    const double from = now(bench.settings);
    for (const auto& weight : weights) {
      const LinearTarget target = {weight.get(), nullptr, y};
      bench.backend.linear({x, {&target, 1}});
    }
    const double took = now(bench.settings) - from;
    best = std::min(best, took / static_cast<double>(weights.size()));
  } while (now(bench.settings) - begin < bench.settings.seconds);
  return best;
}

void bench_type(const Bench& bench, DType type) {
  const Settings& s = bench.settings;
  const auto bytes = random_weights(type, s.rows, s.cols);
  const TensorView view = {type, {s.cols, s.rows, 1, 1}, bytes};
  std::vector<std::unique_ptr<Weight>> weights;
  const int64_t size = static_cast<int64_t>(bytes.size());
  for (int64_t total = 0; total == 0 || total < s.working_set_mib << 20; total += size) {
    weights.push_back(std::move(*bench.backend.prepare(view, WeightUse::kMatrix, "w")));
  }
  int64_t most = 4;
  for (int64_t m : s.tokens) most = std::max(most, m);
  std::vector<float> x(static_cast<size_t>(most * s.cols));
  std::vector<float> y(static_cast<size_t>(most * s.rows));
  Rng rng(2);
  for (float& v : x) v = static_cast<float>(rng.normal());
  const double error = relative_error(bench, *weights[0], view, dense(x.data(), 4, s.cols));
  const std::string name(dtype_info(type).name);
  const bool is_float = dtype_info(type).block_values == 1;
  const double limit = is_float ? bench.limits.f32_gmac_per_s : bench.limits.int8_gmac_per_s;
  fmt::print(stderr, "{:5} err {:.5f} |", name, error);
  for (int64_t m : s.tokens) {
    // Many tokens do not depend on memory: one copy will do.
    std::vector<std::unique_ptr<Weight>> one;
    if (m > 64) one.push_back(std::move(weights.back()));
    const double seconds = best_time(bench, m > 64 ? one : weights, dense(x.data(), m, s.cols),
                                     dense(y.data(), m, s.rows));
    if (m > 64) weights.back() = std::move(one[0]);
    const double gmacs = static_cast<double>(m * s.rows * s.cols) / seconds * 1e-9;
    const double gb = static_cast<double>(size) / seconds * 1e-9;
    fmt::print(R"({{"bench":"linear","isa":"{}","type":"{}","rows":{},"cols":{},"tokens":{},)"
               R"("gmac_per_s":{:.1f},"of_limit":{:.3f},"gb_per_s":{:.2f},"of_read":{:.3f}}})"
               "\n",
               bench.backend.name(), name, s.rows, s.cols, m, gmacs, gmacs / limit, gb,
               gb / bench.limits.read_gb_per_s);
    if (m == 1) {
      fmt::print(stderr, " M1 {:.0f} ({:.1f} GB/s, {:.0f} %)", gmacs, gb,
                 100 * gb / bench.limits.read_gb_per_s);
    } else {
      fmt::print(stderr, " M{} {:.0f} ({:.0f} %)", m, gmacs, 100 * gmacs / limit);
    }
  }
  fmt::print(stderr, "\n");
}

int run(const Settings& settings) {
  auto limits = cpu::measure_limits(settings.threads, settings.isa, settings.seconds);
  cpu::CpuOptions options;
  options.threads = settings.threads;
  options.isa = settings.isa;
  auto backend = cpu::make_cpu_backend(options);
  options.exact = true;
  auto exact = cpu::make_cpu_backend(options);
  if (!limits || !backend || !exact) {
    fmt::print(stderr, "{}\n", (!limits ? limits.error() : backend.error()).message);
    return 1;
  }
  fmt::print(R"({{"bench":"limits","isa":"{}","threads":{},"read_gb_per_s":{:.1f},)"
             R"("int8_gmac_per_s":{:.1f},"f32_gmac_per_s":{:.1f},"bf16_gmac_per_s":{:.1f}}})"
             "\n",
             (*backend)->name(), settings.threads, limits->read_gb_per_s, limits->int8_gmac_per_s,
             limits->f32_gmac_per_s, limits->bf16_gmac_per_s);
  fmt::print(stderr, "{}, {} threads: read {:.1f} GB/s, int8 {:.0f}, f32 {:.0f} GMAC/s\n",
             (*backend)->name(), settings.threads, limits->read_gb_per_s, limits->int8_gmac_per_s,
             limits->f32_gmac_per_s);
  for (const std::string& name : settings.types) {
    const DTypeInfo* info = find_dtype(std::string_view(name));
    const quant::QuantType* type = info == nullptr ? nullptr : quant::find_quant_type(info->type);
    if (type == nullptr || settings.cols % info->block_values != 0) {
      fmt::print(stderr, "{}: no such type, or its blocks do not divide the columns\n", name);
      return 1;
    }
    bench_type({settings, **backend, **exact, *limits}, info->type);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  CLI::App app("Speed of the CPU kernels beside the limits of the machine");
  app.add_option("--threads", settings.threads)->check(CLI::Range(1, 1024));
  app.add_option("--isa", settings.isa, "scalar, avx2, avx512; default: the best");
  app.add_option("--rows", settings.rows)->check(CLI::Range(16, 1 << 20));
  app.add_option("--cols", settings.cols)->check(CLI::Range(32, 1 << 20));
  app.add_option("--seconds", settings.seconds, "for each figure")->check(CLI::Range(0.0, 60.0));
  app.add_option("--working-set", settings.working_set_mib, "MiB of weights worked through in turn")
      ->check(CLI::Range(0, 1 << 20));
  app.add_option("--types", settings.types)->delimiter(',');
  app.add_option("--tokens", settings.tokens)->delimiter(',')->check(CLI::Range(1, 4096));
  app.add_flag("--cpu-time", settings.cpu_time, "processor time; one thread");
  CLI11_PARSE(app, argc, argv);
  if (settings.cpu_time) settings.threads = 1;
  return run(settings);
}
