// Random models of many architectures, made anew from a seed, against what a peer computed with the
// same files (tests/peer/README.md).
#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>

#include "backend/backend.h"
#include "model/session.h"
#include "support/agreement.h"
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
  testing::allocate_exact_cache(**model, expected.n_ctx);
  const auto* wider = described.model.if_contains("tolerance");
  testing::expect_logits(**model, expected,
                         wider != nullptr ? wider->to_number<double>() : kTolerance);
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
