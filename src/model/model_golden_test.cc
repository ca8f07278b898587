// The models of the golden data, against the logits and greedy tokens of the reference
// implementation.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "backend/backend.h"
#include "model/arch/architecture.h"
#include "model/session.h"
#include "support/agreement.h"
#include "support/golden.h"
#include "support/golden_model.h"

namespace chasqui::model {
namespace {

namespace fs = std::filesystem;

// Six digits in the file and f32 sums in another order: see the README of the golden data.
constexpr double kTolerance = 1e-3;

void expect_agreement(const fs::path& model_path, const testing::ExpectedLogits& expected) {
  auto file = gguf::File::open(model_path.string());
  ASSERT_TRUE(file) << file.error().message;
  const auto backend = backend::make_reference_backend();
  auto model = Model::load(*file, *backend, {.context = expected.n_ctx});
  ASSERT_TRUE(model) << model.error().message;
  testing::allocate_exact_cache(**model, expected.n_ctx);
  testing::expect_logits(**model, expected, kTolerance);
}

TEST(GoldenModels, SupportedArchitecturesAgree) {
  const auto models = testing::golden_models();
  if (models.empty()) GTEST_SKIP() << testing::no_golden_data();
  int compared = 0;
  for (const testing::GoldenModel& model : models) {
    if (find_architecture(model.architecture()) == nullptr || model.kind() != "lm") continue;
    SCOPED_TRACE(model.name);
    expect_agreement(model.path, testing::best_logits(model.json));
    if (const auto* longer = model.json.if_contains("long_context")) {
      SCOPED_TRACE("long context");
      boost::json::object same_input = model.json;
      for (const auto& [key, value] : longer->as_object()) same_input[key] = value;
      expect_agreement(model.path, testing::expected_logits(same_input, ""));
    }
    ++compared;
  }
  EXPECT_GE(compared, 46);
}

TEST(GoldenModels, QuantizedFilesAgreeWithTheirDequantizedWeights) {
  const auto golden = testing::golden_dir();
  if (!golden) GTEST_SKIP() << testing::no_golden_data();
  int compared = 0;
  for (const auto& entry : fs::directory_iterator(*golden / "quantized")) {
    if (entry.path().extension() != ".gguf") continue;
    SCOPED_TRACE(entry.path().filename().string());
    const auto json =
        testing::read_json(fs::path(entry.path()).replace_extension(".json")).as_object();
    expect_agreement(entry.path(), testing::best_logits(json));
    ++compared;
  }
  EXPECT_GE(compared, 12);
}

}  // namespace
}  // namespace chasqui::model
