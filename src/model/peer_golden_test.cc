// Random models of many architectures, made anew from a seed, against what a peer computed with the
// same files (tests/peer/README.md).
#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>

#include "backend/backend.h"
#include "model/session.h"
#include "support/golden_model.h"
#include "support/peer_case.h"
#include "support/tiny_model.h"

namespace chasqui::testing {
void PrintTo(const PeerCase& described, std::ostream* out) {
  *out << described.name;
}
}  // namespace chasqui::testing

namespace chasqui::model {
namespace {

// Six digits in the file and f32 sums in another order, at logits that deviate by about 3.
constexpr double kTolerance = 1e-3;

void expect_agreement(const testing::PeerCase& described) {
  const testing::TemporaryFile model_file(".gguf");
  testing::write_peer_model(described, model_file.path());
  const auto expected = testing::best_logits(testing::peer_results(described));
  auto file = gguf::File::open(model_file.path());
  ASSERT_TRUE(file) << file.error().message;
  const auto backend = backend::make_reference_backend();
  auto model = Model::load(*file, *backend, {.context = expected.n_ctx});
  ASSERT_TRUE(model) << model.error().message;
  CacheOptions cache;
  cache.blocks.assign((*model)->spec().cache_windows.size(), expected.n_ctx / 16);
  cache.key_type = cache.value_type = DType::kF32;
  ASSERT_TRUE((*model)->allocate_cache(cache));

  double tolerance = kTolerance;
  if (const auto* wider = described.model.if_contains("tolerance")) {
    tolerance = wider->to_number<double>();
  }
  Session session(**model, expected.n_ctx);
  const auto vocab = static_cast<size_t>((*model)->spec().vocab);
  auto logits = session.feed(expected.tokens, expected.positions);
  ASSERT_TRUE(logits) << logits.error().message;
  for (size_t i = 0; i < expected.logits.size(); ++i) {
    const std::span<const float> row(logits->data() + i * vocab, vocab);
    EXPECT_LT(testing::max_difference(row, expected.logits[i]), tolerance)
        << "position " << expected.positions[i];
  }
  std::vector<float> last(logits->end() - static_cast<std::ptrdiff_t>(vocab), logits->end());
  for (size_t i = 0; i < expected.greedy.size(); ++i) {
    const auto best = static_cast<int32_t>(std::ranges::max_element(last) - last.begin());
    if (expected.margins[i] > 2 * tolerance) {
      EXPECT_EQ(best, expected.greedy[i]) << i;
    }
    const int32_t fed[] = {expected.greedy[i]};
    const int64_t wanted[] = {0};
    last = *session.feed(fed, wanted);
  }
  EXPECT_LT(testing::max_difference(last, expected.logits_after_greedy), tolerance);
}

class PeerModels : public ::testing::TestWithParam<testing::PeerCase> {};

TEST_P(PeerModels, Agree) {
  expect_agreement(GetParam());
}

INSTANTIATE_TEST_SUITE_P(All, PeerModels, ::testing::ValuesIn(testing::peer_cases()),
                         [](const auto& made) {
                           std::string name = made.param.name;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace chasqui::model
