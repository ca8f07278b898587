// The models of the golden data, against the logits and greedy tokens of the reference
// implementation.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "backend/backend.h"
#include "model/arch/architecture.h"
#include "model/session.h"
#include "support/golden.h"

namespace chasqui::model {
namespace {

namespace fs = std::filesystem;

// The fields of an expected.json, the exact variant where there is one.
struct Expected {
  std::vector<int32_t> tokens;
  std::vector<int64_t> positions;
  std::vector<std::vector<float>> logits;
  std::vector<int32_t> greedy;
  std::vector<float> margins;
  std::vector<float> logits_after_greedy;
  int64_t n_ctx = 0;
};

Expected read_expected(const boost::json::object& json, std::string_view suffix_of_best) {
  const std::string suffix(suffix_of_best);
  Expected expected;
  expected.tokens = testing::numbers<int32_t>(json.at("tokens"));
  expected.positions = testing::numbers<int64_t>(json.at("positions"));
  for (const auto& row : json.at("logits" + suffix).as_array()) {
    expected.logits.push_back(testing::numbers<float>(row));
  }
  expected.greedy = testing::numbers<int32_t>(json.at("greedy" + suffix));
  expected.margins = testing::numbers<float>(json.at("greedy_margins" + suffix));
  expected.logits_after_greedy = testing::numbers<float>(json.at("logits_after_greedy" + suffix));
  expected.n_ctx = json.at("n_ctx").to_number<int64_t>();
  return expected;
}

double max_difference(std::span<const float> a, std::span<const float> b) {
  double worst = a.size() == b.size() ? 0 : INFINITY;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    worst = std::max(worst, std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i])));
  }
  return worst;
}

// Six digits in the file and f32 sums in another order: see the README of the golden data.
constexpr double kTolerance = 1e-3;

void expect_agreement(const fs::path& model_path, const Expected& expected) {
  auto file = gguf::File::open(model_path.string());
  ASSERT_TRUE(file) << file.error().message;
  const auto backend = backend::make_reference_backend();
  auto model = Model::load(*file, *backend, {.context = expected.n_ctx});
  ASSERT_TRUE(model) << model.error().message;
  CacheOptions cache;
  cache.blocks.assign((*model)->spec().cache_windows.size(), expected.n_ctx / 16);
  cache.key_type = cache.value_type = DType::kF32;
  ASSERT_TRUE((*model)->allocate_cache(cache));

  Session session(**model, expected.n_ctx);
  const auto vocab = static_cast<size_t>((*model)->spec().vocab);
  auto logits = session.feed(expected.tokens, expected.positions);
  ASSERT_TRUE(logits) << logits.error().message;
  ASSERT_EQ(logits->size(), expected.logits.size() * vocab);
  for (size_t i = 0; i < expected.logits.size(); ++i) {
    const std::span<const float> row(logits->data() + i * vocab, vocab);
    EXPECT_LT(max_difference(row, expected.logits[i]), kTolerance)
        << "position " << expected.positions[i];
  }
  std::vector<float> last(logits->end() - static_cast<std::ptrdiff_t>(vocab), logits->end());
  for (size_t i = 0; i < expected.greedy.size(); ++i) {
    const auto best = static_cast<int32_t>(std::ranges::max_element(last) - last.begin());
    if (expected.margins[i] > 2 * kTolerance) {
      EXPECT_EQ(best, expected.greedy[i]) << i;
    }
    const int32_t fed[] = {expected.greedy[i]};
    const int64_t wanted[] = {0};
    last = *session.feed(fed, wanted);
  }
  EXPECT_LT(max_difference(last, expected.logits_after_greedy), kTolerance);
}

TEST(GoldenModels, SupportedArchitecturesAgree) {
  const auto golden = testing::golden_dir();
  if (!golden) GTEST_SKIP() << testing::no_golden_data();
  int compared = 0;
  for (const auto& entry : fs::directory_iterator(*golden / "archs")) {
    const fs::path model_path = entry.path() / "model.gguf";
    const auto json = testing::read_json(entry.path() / "expected.json").as_object();
    const std::string arch(json.at("arch").as_string());
    if (find_architecture(arch) == nullptr || json.at("kind").as_string() != "lm") continue;
    SCOPED_TRACE(entry.path().filename().string());
    expect_agreement(model_path, read_expected(json, json.at("best_suffix").as_string()));
    if (const auto* longer = json.if_contains("long_context")) {
      SCOPED_TRACE("long context");
      boost::json::object same_input = json;
      for (const auto& [key, value] : longer->as_object()) same_input[key] = value;
      expect_agreement(model_path, read_expected(same_input, ""));
    }
    ++compared;
  }
  EXPECT_GE(compared, 42);
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
    expect_agreement(entry.path(), read_expected(json, json.at("best_suffix").as_string()));
    ++compared;
  }
  EXPECT_GE(compared, 12);
}

}  // namespace
}  // namespace chasqui::model
