// Time of one choice over a 128k vocabulary. The budget is 150 us a token for the default spec: at
// 64 sequences a step that is already 10 ms of one core.
#include <benchmark/benchmark.h>

#include <vector>

#include "base/rng.h"
#include "sample/sampler_chain.h"

namespace chasqui::sample {
namespace {

constexpr int kVocab = 128256;

std::vector<float> logits_like_a_model() {
  Rng rng(1);
  std::vector<float> logits(kVocab);
  for (float& x : logits) x = static_cast<float>(rng.normal() * 2.0);
  for (int i = 0; i < 20; ++i) logits[rng.below(kVocab)] += 15.0f;
  return logits;
}

void run(benchmark::State& state, SamplingSpec spec, int top_logprobs = -1) {
  spec.seed = 7;
  const std::vector<float> logits = logits_like_a_model();
  std::vector<float> copy = logits;
  SamplerChain chain(spec, kVocab, -1);
  for (auto _ : state) {
    state.PauseTiming();
    copy = logits;
    state.ResumeTiming();
    benchmark::DoNotOptimize(chain.sample(copy, top_logprobs).token);
  }
}

SamplingSpec with(void (*change)(SamplingSpec&)) {
  SamplingSpec spec;
  change(spec);
  return spec;
}

void Default(benchmark::State& state) {
  run(state, {});
}
void DefaultWithLogprobs(benchmark::State& state) {
  run(state, {}, 5);
}
void Greedy(benchmark::State& state) {
  run(state, with([](SamplingSpec& s) { s.temperature = 0; }));
}
void NoTopK(benchmark::State& state) {
  run(state, with([](SamplingSpec& s) { s.top_k = 0; }));
}
void WholeVocabulary(benchmark::State& state) {
  run(state, with([](SamplingSpec& s) { s.top_k = 0, s.top_p = 1, s.min_p = 0; }));
}
void Typical(benchmark::State& state) {
  run(state, with([](SamplingSpec& s) { s.top_k = 0, s.typical_p = 0.9f; }));
}
void MirostatV2(benchmark::State& state) {
  run(state, with([](SamplingSpec& s) { s.mirostat_mode = 2; }));
}

BENCHMARK(Default)->Unit(benchmark::kMicrosecond);
BENCHMARK(Greedy)->Unit(benchmark::kMicrosecond);
BENCHMARK(NoTopK)->Unit(benchmark::kMicrosecond);
BENCHMARK(WholeVocabulary)->Unit(benchmark::kMicrosecond);
BENCHMARK(Typical)->Unit(benchmark::kMicrosecond);
BENCHMARK(MirostatV2)->Unit(benchmark::kMicrosecond);
BENCHMARK(DefaultWithLogprobs)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace chasqui::sample

BENCHMARK_MAIN();
