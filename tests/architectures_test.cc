// Every architecture of the golden data, and of the comparisons with a peer, on the CPU backend:
// its logits and tokens, and the promise that results depend neither on how a prompt was cut nor on
// company.
#include <gtest/gtest.h>

#include <algorithm>

#include "app/loaded_model.h"
#include "app/model_runner.h"
#include "app/serving_model.h"
#include "backend/cpu/cpu_backend.h"
#include "model/arch/architecture.h"
#include "model/session.h"
#include "support/agreement.h"
#include "support/answers.h"
#include "support/golden.h"
#include "support/golden_model.h"
#include "support/peer_case.h"
#include "support/tiny_model.h"

namespace chasqui {
namespace {

using testing::GoldenModel;

std::vector<GoldenModel> language_models() {
  auto models = testing::golden_models();
  std::erase_if(models, [](const GoldenModel& model) {
    return model.kind() != "lm" || model::find_architecture(model.architecture()) == nullptr;
  });
  return models;
}

// A model of tests/peer, written for as long as it lives.
struct PeerModel {
  explicit PeerModel(const testing::PeerCase& described) : file(".gguf") {
    testing::write_peer_model(described, file.path());
    model = {described.name, file.path(), testing::peer_results(described)};
  }
  testing::TemporaryFile file;
  GoldenModel model;
};

// Calls `test` with every model that there is.
template <typename Test>
void for_each_model(const Test& test) {
  for (const GoldenModel& golden : language_models()) {
    SCOPED_TRACE(golden.name);
    test(golden);
  }
  for (const testing::PeerCase& described : testing::peer_cases()) {
    SCOPED_TRACE(described.name);
    test(PeerModel(described).model);
  }
}

struct Loaded {
  std::unique_ptr<gguf::File> file;
  std::unique_ptr<backend::Backend> backend;
  std::unique_ptr<model::Model> model;
};

Loaded load(const GoldenModel& golden, int64_t n_ctx) {
  Loaded loaded;
  loaded.file = std::make_unique<gguf::File>(*gguf::File::open(golden.path.string()));
  loaded.backend = *backend::cpu::make_cpu_backend({.threads = 2, .exact = true});
  loaded.model = *model::Model::load(*loaded.file, *loaded.backend, {.context = n_ctx});
  testing::allocate_exact_cache(*loaded.model, n_ctx);
  return loaded;
}

// f32 sums in another order, and approximations of exp and tanh by a few units in the last place.
constexpr double kTolerance = 2e-3;

void expect_agreement(const GoldenModel& golden) {
  const testing::ExpectedLogits expected = testing::best_logits(golden.json);
  const auto* wider = golden.json.if_contains("tolerance");
  const double tolerance = wider != nullptr ? 2 * wider->to_number<double>() : kTolerance;
  const Loaded loaded = load(golden, expected.n_ctx);
  testing::expect_logits(*loaded.model, expected, tolerance);
}

TEST(Architectures, AgreeOnTheCpuBackend) {
  for_each_model(expect_agreement);
}

// The same bits whole, in chunks of any size, and token by token.
TEST(Architectures, ChunksChangeNoBit) {
  for_each_model([](const GoldenModel& golden) {
    const testing::ExpectedLogits expected = testing::best_logits(golden.json);
    const Loaded loaded = load(golden, expected.n_ctx);
    std::vector<float> whole;
    for (const int64_t chunk : {0, 1, 7}) {
      model::Session session(*loaded.model, expected.n_ctx);
      const auto logits = session.feed(expected.tokens, expected.positions, chunk);
      ASSERT_TRUE(logits) << logits.error().message;
      if (chunk == 0) whole = *logits;
      EXPECT_EQ(*logits, whole) << "chunks of " << chunk;
    }
  });
}

// Through the engine: after a prefix hit, in small steps beside strangers, and with little cache.
TEST(Architectures, PrefixHitsAndCompanyChangeNoToken) {
  const auto models = language_models();
  if (models.empty()) GTEST_SKIP() << testing::no_golden_data();
  for (const GoldenModel& golden : models) {
    SCOPED_TRACE(golden.name);
    app::Settings settings = app::default_settings();
    settings.n_threads = 2;
    settings.n_ctx = 128;
    const auto start = [&] {
      auto served = app::start_serving(golden.path.string(), settings);
      EXPECT_TRUE(served) << served.error().message;
      return served->engine;
    };
    std::vector<testing::Answer> alone;
    const auto engine = start();
    for (uint64_t seed = 0; seed < 4; ++seed) alone.push_back(testing::ask(*engine, 60, seed));
    int64_t cached = 0;
    EXPECT_EQ(testing::ask(*engine, 60, 2, &cached), alone[2]);
    EXPECT_GE(cached, 32);

    settings.n_batch = 16;
    settings.prefill_chunk = 5;
    settings.n_parallel = 4;
    settings.kv_tokens = 256;
    EXPECT_EQ(testing::ask_together(*start(), 60, 4), alone);
  }
}

// Windows are shorter than the context in all of these files, so their layers need less memory, and
// a request that is longer than what they keep ends as with room for everything.
TEST(Architectures, WindowedLayersKeepTheirWindowOnly) {
  int windowed = 0;
  for (const GoldenModel& golden : language_models()) {
    SCOPED_TRACE(golden.name);
    app::Settings settings = app::default_settings();
    settings.n_threads = 2;
    settings.n_ctx = 256;
    settings.n_parallel = 1;
    settings.prefill_chunk = 16;
    auto loaded = app::load_model({.path = golden.path.string()}, settings);
    ASSERT_TRUE(loaded) << loaded.error().message;
    const std::vector<int64_t> windows = loaded->model->spec().cache_windows;
    if (std::ranges::max(windows) == 0) continue;
    ++windowed;
    const auto runner = app::make_runner(std::move(*loaded), settings.n_ctx, settings);
    ASSERT_TRUE(runner) << runner.error().message;
    for (size_t group = 0; group < windows.size(); ++group) {
      const int64_t blocks = (*runner)->cache_blocks(static_cast<int>(group));
      // Twice the blocks that a window of at most 8 tokens and a step of 16 touch.
      EXPECT_EQ(blocks, windows[group] == 0 ? 16 : 8) << group;
    }
    const auto little = app::start_serving(golden.path.string(), settings);
    settings.n_parallel = 16;
    const auto plenty = app::start_serving(golden.path.string(), settings);
    ASSERT_TRUE(little && plenty);
    EXPECT_EQ(testing::ask(*little->engine, 180, 1), testing::ask(*plenty->engine, 180, 1));
    EXPECT_EQ(little->engine->stats().preemptions, 0);
  }
  if (windowed == 0) GTEST_SKIP() << testing::no_golden_data();
  EXPECT_GE(windowed, 7);
}

}  // namespace
}  // namespace chasqui
