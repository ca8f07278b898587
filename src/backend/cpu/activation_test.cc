// Accuracy of the activations over their whole range, and bit-equality of the row ops across
// levels and teams.
#include <cmath>

#include "backend/testing/op_test.h"

namespace chasqui::backend::testing {
namespace {

class CpuActivation : public OpTest {};
CHASQUI_OP_TESTS(CpuActivation);

struct Bound {
  Activation kind;
  double roundings;  // of the result, in units of kRound
  double per_x;      // more of them for each unit of |x|: roundings of the exponent's argument
  double per_x3;
};
// exp is good to 2 units in the last place (4 roundings), sum and quotient add one each; the
// argument of kGeluTanh, 1.6 x + 0.07 x^3, is rounded four times; the polynomials of kGelu are good
// to 1 and the difference 1 - erf, at most 6 times smaller than erf there, multiplies by 6.
constexpr Bound kBounds[] = {
    {Activation::kSilu, 8, 0, 0},          {Activation::kGelu, 16, 0, 0},
    {Activation::kGeluTanh, 8, 6.4, 0.29}, {Activation::kGeluQuick, 8, 1.71, 0},
    {Activation::kRelu, 0, 0, 0},          {Activation::kReluSquared, 1, 0, 0},
    {Activation::kSigmoid, 8, 0, 0},       {Activation::kIdentity, 0, 0, 0},
};

TEST_P(CpuActivation, IsAccurateToAFewUnitsInTheLastPlace) {
  const int64_t n = 20001;
  for (const Bound& bound : kBounds) {
    Rows x(1, n), expected(1, n), actual(1, n);
    for (int64_t i = 0; i < n; ++i) {
      x.values()[static_cast<size_t>(i)] = static_cast<float>(i - n / 2) * 0.0013f;
    }
    reference_->activation({bound.kind, x.matrix(), {}, expected.matrix()});
    backend_->activation({bound.kind, x.matrix(), {}, actual.matrix()});
    for (int64_t i = 0; i < n; ++i) {
      const double a = std::abs(double{x.at(0, i)}), y = expected.at(0, i);
      // The reference's own rounding to f32 is one more; results below the normal range may be 0.
      const double allowed =
          std::abs(y) * kRound *
              (1 + bound.roundings + bound.per_x * a + bound.per_x3 * a * a * a) +
          1e-37 * (a + 1);
      ASSERT_NEAR(actual.at(0, i), y, allowed)
          << "kind " << static_cast<int>(bound.kind) << " of " << x.at(0, i);
    }
  }
}

TEST_P(CpuActivation, NanAndInfinityComeThrough) {
  for (const Bound& bound : kBounds) {
    Rows x(1, 2, {NAN, INFINITY}), out(1, 2);
    backend_->activation({bound.kind, x.matrix(), {}, out.matrix()});
    EXPECT_TRUE(std::isnan(out.at(0, 0))) << static_cast<int>(bound.kind);
    const float limit = bound.kind == Activation::kSigmoid ? 1 : INFINITY;
    EXPECT_EQ(out.at(0, 1), limit) << static_cast<int>(bound.kind);
  }
}

// Runs all row ops over rows of a size that is divided among a team, and returns their results.
std::vector<float> all_row_ops(Backend& backend) {
  Rng rng(21);
  const int64_t rows = 37, cols = 1009;
  Rows a = random_rows(rng, rows, cols, 3.0f), b = random_rows(rng, rows, cols);
  std::vector<float> results;
  const auto keep = [&](Rows& out) {
    results.insert(results.end(), out.values().begin(), out.values().end());
  };
  Rows out(rows, cols);
  for (const Bound& bound : kBounds) {
    backend.activation({bound.kind, a.matrix(), b.matrix(), out.matrix()});
    keep(out);
  }
  for (const NormKind kind : {NormKind::kRms, NormKind::kLayer, NormKind::kL2}) {
    NormArgs norm;
    norm.kind = kind;
    norm.x = a.matrix();
    norm.group = cols;
    norm.weight = b.matrix().row(0);
    norm.bias = b.matrix().row(1);
    norm.out = out.matrix();
    backend.norm(norm);
    keep(out);
  }
  backend.add({a.matrix(), b.matrix(), 0.3f, 0.7f, out.matrix()});
  keep(out);
  backend.activation({Activation::kClampedSwiglu, a.matrix(), b.matrix(), out.matrix()});
  keep(out);
  backend.copy({a.matrix(), out.matrix()});
  backend.scale_rows({out.matrix(), b.matrix().data, 3});
  keep(out);
  Rows turned = random_rows(rng, rows, 1010), table = random_rows(rng, rows, 200);
  for (const RopeKind kind : {RopeKind::kNorm, RopeKind::kNeox}) {
    backend.rope({kind, turned.matrix(), 202, 2, 200, table.matrix().data});
    keep(turned);
  }
  RouteArgs route;
  Rows weights(rows, 6);
  std::vector<int32_t> ids(rows * 6);
  route.logits = a.matrix();
  route.used = 6;
  route.ids = ids.data();
  route.weights = weights.matrix().data;
  for (const ExpertGate gate :
       {ExpertGate::kSoftmax, ExpertGate::kSigmoid, ExpertGate::kSoftmaxOfChosen}) {
    route.gate = gate;
    backend.route_experts(route);
    keep(weights);
    results.insert(results.end(), ids.begin(), ids.end());
  }
  Rows combined(rows / 6, cols), slots = random_rows(rng, rows / 6 * 6, cols);
  backend.combine_experts({slots.matrix(), weights.matrix().data, 6, combined.matrix()});
  keep(combined);
  return results;
}

TEST_P(CpuActivation, RowOpsGiveTheSameBitsOnEveryLevelAndTeam) {
  const auto plain = make_backend("scalar/1");
  const std::vector<float> expected = all_row_ops(*plain), actual = all_row_ops(*backend_);
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i) ASSERT_EQ(actual[i], expected[i]) << "at " << i;
}

TEST_P(CpuActivation, RoutingAgreesWithTheReference) {
  Rng rng(22);
  for (const ExpertGate gate :
       {ExpertGate::kSoftmax, ExpertGate::kSigmoid, ExpertGate::kSoftmaxOfChosen}) {
    const int64_t rows = 50, experts = 61, used = 7;
    Rows logits = random_rows(rng, rows, experts, 2.0f);
    Rows bias = random_rows(rng, 1, experts, 0.1f);
    RouteArgs args;
    args.gate = gate;
    args.logits = logits.matrix();
    args.selection_bias = bias.matrix().data;
    args.used = used;
    args.normalize = true;
    args.scale = 2.5f;
    std::vector<int32_t> ids[2];
    std::vector<float> weights[2];
    for (int i = 0; i < 2; ++i) {
      ids[i].resize(rows * used);
      weights[i].resize(rows * used);
      args.ids = ids[i].data();
      args.weights = weights[i].data();
      (i == 0 ? *reference_ : *backend_).route_experts(args);
    }
    EXPECT_EQ(ids[0], ids[1]) << "no two of these scores are within rounding of each other";
    for (size_t i = 0; i < weights[0].size(); ++i) {
      EXPECT_NEAR(weights[0][i], weights[1][i], weights[0][i] * 40 * kRound);
    }
  }
}

}  // namespace
}  // namespace chasqui::backend::testing
