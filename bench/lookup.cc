// Looking back for what followed the last tokens: time per proposal by length of the text. "rare"
// finds nothing and "alike" nearly matches everywhere, which are the slow cases.
#include <benchmark/benchmark.h>

#include <vector>

#include "base/rng.h"
#include "engine/internal/lookup_drafts.h"

namespace chasqui::engine {
namespace {

void run(benchmark::State& state, const std::vector<int32_t>& tokens) {
  std::vector<int32_t> draft;
  for (auto unused : state) {
    look_up_draft(tokens, 7, draft);
    benchmark::DoNotOptimize(draft.data());
  }
}

void rare(benchmark::State& state) {
  Rng rng(1);
  std::vector<int32_t> tokens(static_cast<size_t>(state.range(0)));
  for (int32_t& token : tokens) token = static_cast<int32_t>(rng.below(32000));
  tokens.back() = 32000;
  run(state, tokens);
}

// Runs of the last token that are too short to be as good as the longest match.
void alike(benchmark::State& state) {
  std::vector<int32_t> tokens(static_cast<size_t>(state.range(0)), 7);
  for (size_t i = 0; i < tokens.size(); i += 6) tokens[i] = static_cast<int32_t>(100 + i);
  for (size_t i = tokens.size() - 6; i < tokens.size(); ++i) tokens[i] = 7;
  run(state, tokens);
}

BENCHMARK(rare)->Arg(128)->Arg(1024)->Arg(8192)->Arg(16384)->Arg(131072);
BENCHMARK(alike)->Arg(128)->Arg(1024)->Arg(8192)->Arg(16384)->Arg(131072);

}  // namespace
}  // namespace chasqui::engine

BENCHMARK_MAIN();
