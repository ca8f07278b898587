// The encoders and embedding models of the golden data, against the hidden states, pooled vectors
// and ranking scores of the reference implementation.
#include <gtest/gtest.h>

#include <numeric>

#include "backend/backend.h"
#include "model/session.h"
#include "support/golden.h"
#include "support/golden_model.h"

namespace chasqui::model {
namespace {

// As in model_golden_test.cc.
constexpr double kTolerance = 1e-3;

struct ExpectedEmbedding {
  std::vector<int32_t> tokens;
  std::vector<int64_t> positions;
  std::vector<std::vector<float>> per_token;  // at each of the positions
  std::vector<float> mean;
  std::vector<float> first;
  std::vector<float> last;
  std::vector<float> rank;  // empty: not a ranking model
  Pooling pooling = Pooling::kUnspecified;
  int64_t n_ctx = 0;
};

// Of the variant without rounding.
ExpectedEmbedding read_expected(const boost::json::object& json) {
  const std::string suffix(json.at("best_suffix").as_string());
  ExpectedEmbedding expected;
  expected.tokens = testing::numbers<int32_t>(json.at("tokens"));
  expected.positions = testing::numbers<int64_t>(json.at("embedding_positions"));
  for (const auto& row : json.at("embedding_per_token" + suffix).as_array()) {
    expected.per_token.push_back(testing::numbers<float>(row));
  }
  const auto& pooled = json.at("embedding" + suffix);
  expected.mean = testing::numbers<float>(pooled.at("mean"));
  expected.first = testing::numbers<float>(pooled.at("cls"));
  expected.last = testing::numbers<float>(pooled.at("last"));
  if (const auto* rank = json.if_contains("rank_score" + suffix)) {
    expected.rank = testing::numbers<float>(*rank);
  }
  expected.pooling = static_cast<Pooling>(json.at("pooling_type_in_file").to_number<int>());
  expected.n_ctx = json.at("n_ctx").to_number<int64_t>();
  return expected;
}

// Every row's hidden state, one after another.
std::vector<float> hidden_states(Model& model, const ExpectedEmbedding& expected) {
  Session session(model, expected.n_ctx);
  std::vector<int64_t> all(expected.tokens.size());
  std::iota(all.begin(), all.end(), 0);
  auto hidden = session.feed_hidden(expected.tokens, all);
  EXPECT_TRUE(hidden) << hidden.error().message;
  return hidden ? *hidden : std::vector<float>(all.size() * expected.mean.size());
}

std::vector<float> mean_of(std::span<const float> hidden, size_t width) {
  std::vector<double> sum(width, 0.0);
  for (size_t i = 0; i < hidden.size(); ++i) sum[i % width] += static_cast<double>(hidden[i]);
  std::vector<float> mean;
  for (const double value : sum) {
    mean.push_back(static_cast<float>(value * static_cast<double>(width) /
                                      static_cast<double>(hidden.size())));
  }
  return mean;
}

void expect_agreement(const testing::GoldenModel& golden) {
  const ExpectedEmbedding expected = read_expected(golden.json);
  auto file = gguf::File::open(golden.path.string());
  ASSERT_TRUE(file) << file.error().message;
  const auto backend = backend::make_reference_backend();
  auto loaded = Model::load(*file, *backend, {.context = expected.n_ctx});
  ASSERT_TRUE(loaded) << loaded.error().message;
  Model& model = **loaded;
  ASSERT_TRUE(model.allocate_cache(
      {.blocks = {expected.n_ctx / 16}, .key_type = DType::kF32, .value_type = DType::kF32}));
  EXPECT_EQ(model.spec().pooling, expected.pooling);

  const std::vector<float> hidden = hidden_states(model, expected);
  const size_t width = expected.mean.size();
  const auto row = [&](int64_t position) {
    return std::span(hidden).subspan(static_cast<size_t>(position) * width, width);
  };
  for (size_t i = 0; i < expected.positions.size(); ++i) {
    EXPECT_LT(testing::max_difference(row(expected.positions[i]), expected.per_token[i]),
              kTolerance)
        << "position " << expected.positions[i];
  }
  const std::span<const float> last = row(static_cast<int64_t>(expected.tokens.size()) - 1);
  EXPECT_LT(testing::max_difference(row(0), expected.first), kTolerance);
  EXPECT_LT(testing::max_difference(last, expected.last), kTolerance);
  EXPECT_LT(testing::max_difference(mean_of(hidden, width), expected.mean), kTolerance);
  ASSERT_EQ(model.rank_outputs(), static_cast<int64_t>(expected.rank.size()));
  if (expected.rank.empty()) return;
  const std::vector<float> first(row(0).begin(), row(0).end());
  EXPECT_LT(testing::max_difference(model.rank(first), expected.rank), kTolerance);
}

TEST(GoldenEmbeddings, SupportedArchitecturesAgree) {
  const auto models = testing::golden_models();
  if (models.empty()) GTEST_SKIP() << testing::no_golden_data();
  int compared = 0;
  for (const testing::GoldenModel& model : models) {
    if (model.kind() == "lm") continue;
    SCOPED_TRACE(model.name);
    expect_agreement(model);
    ++compared;
  }
  EXPECT_GE(compared, 6);
}

}  // namespace
}  // namespace chasqui::model
