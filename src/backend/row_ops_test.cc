// Hand-computed cases of the ops that treat each row by itself: norm, rope, activation, add,
// gather, and the products.
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <complex>

#include "backend/testing/op_test.h"

namespace chasqui::backend::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::Pointwise;

class RowOps : public OpTest {};
CHASQUI_OP_TESTS(RowOps);

TEST_P(RowOps, RmsNormDividesByTheRootMeanSquare) {
  Rows x(1, 4, {1, -1, 7, 7}), out(1, 4);  // mean square 25
  const std::vector<float> weight = {1, 2, 3, 4};
  NormArgs args;
  args.x = x.matrix();
  args.group = 4;
  args.weight = weight.data();
  args.eps = 0;
  args.out = out.matrix();
  backend_->norm(args);
  const std::vector<float> expected = {0.2f, -0.4f, 4.2f, 5.6f};
  EXPECT_THAT(out.row(0), Pointwise(FloatNear(6 * 2 * kRound), expected));
  args.eps = 75;  // sqrt(25 + 75) = 10
  const std::vector<float> bias = {0, 0, 0, 1};
  args.bias = bias.data();
  backend_->norm(args);
  EXPECT_THAT(out.row(0), ElementsAre(FloatNear(0.1f, 1e-6f), FloatNear(-0.2f, 1e-6f),
                                      FloatNear(2.1f, 1e-6f), FloatNear(3.8f, 1e-6f)));
}

TEST_P(RowOps, L2NormDividesByTheLength) {
  Rows x(1, 4, {3, 4, 0, 0}), out(1, 4);
  NormArgs args;
  args.kind = NormKind::kL2;
  args.x = x.matrix();
  args.group = 2;
  args.eps = 11;  // sqrt(25 + 11) = 6
  args.out = out.matrix();
  backend_->norm(args);
  EXPECT_THAT(out.row(0), ElementsAre(FloatNear(0.5f, 1e-6f), FloatNear(4.0f / 6, 1e-6f), 0, 0));
}

TEST_P(RowOps, LayerNormCentresFirst) {
  Rows x(2, 2, {1001, 1003, -4, -4}), out(2, 2);
  const std::vector<float> weight = {2, 2}, bias = {0.5f, 0.25f};
  NormArgs args;
  args.kind = NormKind::kLayer;
  args.x = x.matrix();
  args.group = 2;
  args.weight = weight.data();
  args.bias = bias.data();
  args.eps = 3;  // variance 1: divides by 2
  args.out = out.matrix();
  backend_->norm(args);
  EXPECT_THAT(out.row(0), ElementsAre(FloatNear(-0.5f, 1e-6f), FloatNear(1.25f, 1e-6f)));
  EXPECT_THAT(out.row(1), ElementsAre(0.5f, 0.25f));
}

TEST_P(RowOps, NormsEachGroupAloneAndInPlace) {
  Rows x(1, 4, {3, 3, -5, 5});
  const std::vector<float> each = {1, 2}, column = {1, 2, 3, 4};
  NormArgs args;
  args.x = x.matrix();
  args.out = x.matrix();
  args.group = 2;
  args.weight = each.data();
  args.eps = 0;
  backend_->norm(args);
  EXPECT_THAT(x.row(0), ElementsAre(1, 2, -1, 2));
  Rows y(1, 4, {3, 3, -5, 5});
  args.x = args.out = y.matrix();
  args.weight = column.data();
  args.weight_per_column = true;
  backend_->norm(args);
  EXPECT_THAT(y.row(0), ElementsAre(1, 2, -3, 4));
}

TEST_P(RowOps, NormWithoutWeightOnlyScales) {
  Rows x(1, 3, {2, 2, -2}), out(1, 3);
  NormArgs args;
  args.x = x.matrix();
  args.group = 3;
  args.eps = 0;
  args.out = out.matrix();
  backend_->norm(args);
  EXPECT_THAT(out.row(0), ElementsAre(1, 1, -1));
}

// A rotation by the angle is a product with exp(i angle). `x` starts at the head, `before` is what
// it was.
void expect_rotated(RopeKind kind, const float* x, const float* before, int64_t rotated,
                    const float* angles) {
  const int64_t half = rotated / 2;
  for (int64_t i = 0; i < half; ++i) {
    const int64_t a = kind == RopeKind::kNeox ? i : 2 * i;
    const int64_t b = kind == RopeKind::kNeox ? i + half : 2 * i + 1;
    const std::complex<double> turned = std::complex<double>(before[a], before[b]) *
                                        std::polar(1.0, static_cast<double>(angles[i]));
    EXPECT_NEAR(x[a], turned.real(), 1e-6);
    EXPECT_NEAR(x[b], turned.imag(), 1e-6);
  }
}

class Rope : public OpTest {
 protected:
  void run(RopeKind kind, int64_t first, int64_t rotated) {
    Rng rng(5);
    const int64_t rows = 3, heads = 2, dim = 38, half = rotated / 2;
    Rows x = random_rows(rng, rows, heads * dim);
    Rows before = x;
    std::vector<float> angles, table;
    for (int64_t i = 0; i < rows * half; ++i) {
      angles.push_back(static_cast<float>(rng.uniform()) * 6);
      table.push_back(std::cos(angles.back()));
      table.push_back(std::sin(angles.back()));
    }
    backend_->rope({kind, x.matrix(), dim, first, rotated, table.data()});
    for (int64_t head = 0; head < rows * heads; ++head) {
      const float* now = x.values().data() + head * dim + first;
      const float* then = before.values().data() + head * dim + first;
      expect_rotated(kind, now, then, rotated, angles.data() + head / heads * half);
      EXPECT_TRUE(std::equal(now - first, now, then - first)) << "before the rotated part";
      EXPECT_TRUE(std::equal(now + rotated, now + dim - first, then + rotated))
          << "beyond the rotated part";
    }
  }
};
CHASQUI_OP_TESTS(Rope);

TEST_P(Rope, IsAComplexProduct) {
  for (const RopeKind kind : {RopeKind::kNorm, RopeKind::kNeox}) {
    for (const int64_t rotated : {0, 2, 6, 20, 38}) run(kind, 0, rotated);
    for (const int64_t rotated : {2, 20, 32}) run(kind, 6, rotated);
  }
}

struct KnownActivation {
  Activation kind;
  float x;
  double y;  // to ten decimals
};
const KnownActivation kKnownActivations[] = {
    {Activation::kSilu, 1.0f, 0.7310585786},
    {Activation::kSilu, -3.0f, -0.1422776195},
    {Activation::kGelu, 1.0f, 0.8413447461},
    {Activation::kGelu, -0.5f, -0.1542687694},
    {Activation::kGeluTanh, 1.0f, 0.8411919906},
    {Activation::kGeluTanh, -2.0f, -0.0454023059},
    {Activation::kGeluQuick, 1.0f, 0.8457957659},
    {Activation::kRelu, -1.0f, 0.0},
    {Activation::kRelu, 2.5f, 2.5},
    {Activation::kReluSquared, -3.0f, 0.0},
    {Activation::kReluSquared, 3.0f, 9.0},
    {Activation::kSilu, -200.0f, 0.0},
    {Activation::kSilu, 200.0f, 200.0},
    {Activation::kGelu, -40.0f, 0.0},
    {Activation::kGeluTanh, 30.0f, 30.0},
    {Activation::kGeluQuick, -300.0f, 0.0},
};

TEST_P(RowOps, ActivationsHaveTheirKnownValues) {
  for (const KnownActivation& known : kKnownActivations) {
    Rows gate(1, 1, {known.x}), up(1, 1, {-2.0f}), out(1, 1);
    backend_->activation({known.kind, gate.matrix(), {}, out.matrix()});
    EXPECT_NEAR(out.at(0, 0), known.y, 1e-9 + std::abs(known.y) * 8 * kRound)
        << static_cast<int>(known.kind) << " of " << known.x;
    backend_->activation({known.kind, gate.matrix(), up.matrix(), gate.matrix()});
    EXPECT_FLOAT_EQ(gate.at(0, 0), -2 * out.at(0, 0)) << "in place, times up";
  }
}

TEST_P(RowOps, AddScalesTheSum) {
  Rows a(2, 3, {1, 2, 3, 4, 5, 6}), b(2, 3, {1, 1, 1, -4, 0, 2});
  backend_->add({a.matrix(), b.matrix(), 1.0f, 0.5f, a.matrix()});
  EXPECT_THAT(a.values(), ElementsAre(1, 1.5f, 2, 0, 2.5f, 4));
  backend_->add({a.matrix(), b.matrix(), 3.0f, 2.0f, a.matrix()});
  EXPECT_THAT(a.values(), ElementsAre(8, 9, 10, -24, 5, 20));
}

TEST_P(RowOps, ScaleRowsScalesEachByItsOwn) {
  Rows x(2, 3, {1, 2, 3, 4, 5, 6});
  const std::vector<float> factors = {2, 9, -1};
  backend_->scale_rows({x.matrix(), factors.data(), 2});
  EXPECT_THAT(x.values(), ElementsAre(2, 4, 6, -4, -5, -6));
  backend_->scale_rows({x.matrix(), factors.data(), 0});
  EXPECT_THAT(x.values(), ElementsAre(4, 8, 12, -8, -10, -12));
}

TEST_P(RowOps, CopyRespectsStrides) {
  Rows wide(2, 4, {1, 2, 3, 4, 5, 6, 7, 8});
  float* data = wide.values().data();
  backend_->copy({{data, 2, 2, 4}, {data + 2, 2, 2, 4}});
  EXPECT_THAT(wide.values(), ElementsAre(1, 2, 1, 2, 5, 6, 5, 6));
}

// Beyond the limits nothing changes; inside g / (1 + e^(-1.702 g)) (u + 1).
TEST_P(RowOps, ClampedSwigluLimitsBothSides) {
  Rows gate(1, 4, {9, 7, 1, -1}), up(1, 4, {-9, -7, 0.5f, 8}), out(1, 4);
  backend_->activation({Activation::kClampedSwiglu, gate.matrix(), up.matrix(), out.matrix()});
  const auto expected = [](double g, double u) {
    return static_cast<float>(g / (1 + std::exp(-1.702 * g)) * (u + 1));
  };
  EXPECT_EQ(out.at(0, 0), out.at(0, 1));
  EXPECT_NEAR(out.at(0, 0), expected(7, -7), 1e-4f);
  EXPECT_NEAR(out.at(0, 2), expected(1, 0.5), 1e-6f);
  EXPECT_NEAR(out.at(0, 3), expected(-1, 7), 1e-6f);
}

TEST_P(RowOps, StridesAreRespected) {
  Rows wide(2, 5, {1, 2, 0, 0, 0, 3, 4, 0, 0, 0});
  const Matrix left = {wide.values().data(), 2, 2, 5};
  const Matrix right = {wide.values().data() + 2, 2, 2, 5};
  backend_->add({left, left, 1.0f, 1.0f, right});
  EXPECT_THAT(wide.values(), ElementsAre(1, 2, 2, 4, 0, 3, 4, 6, 8, 0));
}

TEST_P(RowOps, GatherTakesRowsInTheOrderGiven) {
  Rows x(3, 2, {1, 2, 3, 4, 5, 6}), out(3, 2);
  const std::vector<int32_t> rows = {2, 0, 2};
  backend_->gather_rows({x.matrix(), rows, out.matrix()});
  EXPECT_THAT(out.values(), ElementsAre(5, 6, 1, 2, 5, 6));
}

TEST_P(RowOps, CombineAddsTheWeightedSlots) {
  Rows y(4, 2, {1, 2, 10, 20, 3, 4, 30, 40}), out(2, 2);
  const std::vector<float> weights = {1, 0.5f, 2, -1};
  backend_->combine_experts({y.matrix(), weights.data(), 2, out.matrix()});
  EXPECT_THAT(out.values(), ElementsAre(6, 12, -24, -32));
}

TEST_P(RowOps, EmbedLooksUpAndScales) {
  const std::vector<float> table = {1, 2, 3, 4, 5, 6};
  const auto weight = f32_weight(*backend_, table, 3, 2, WeightUse::kTable);
  const std::vector<int32_t> ids = {2, 0};
  Rows out(2, 2);
  backend_->embed({weight.get(), ids, 2.0f, out.matrix()});
  EXPECT_THAT(out.values(), ElementsAre(10, 12, 2, 4));
}

TEST_P(RowOps, LinearIsAProductWithTheTransposed) {
  const std::vector<float> w1 = {1, 2, 3, 4, 5, 6}, w2 = {1, 0, -1}, bias = {10, 20};
  const auto first = f32_weight(*backend_, w1, 2, 3);
  const auto second = f32_weight(*backend_, w2, 1, 3);
  Rows x(2, 3, {1, 1, 1, 1, 0, 2}), y1(2, 2), y2(2, 1);
  const LinearTarget targets[] = {{first.get(), bias.data(), y1.matrix()},
                                  {second.get(), nullptr, y2.matrix()}};
  backend_->linear({x.matrix(), targets});
  EXPECT_THAT(y1.values(), ElementsAre(16, 35, 17, 36));
  EXPECT_THAT(y2.values(), ElementsAre(0, -1));
}

TEST_P(RowOps, ExpertLinearPicksTheMatrixOfEachSlot) {
  // Three experts of [1, 2]: (1, 0), (0, 1), (1, 1).
  const std::vector<float> w = {1, 0, 0, 1, 1, 1}, bias = {0, 0, 100};
  const auto weight = f32_weight(*backend_, w, 1, 2);
  ASSERT_EQ(weight->experts(), 3);
  const std::vector<int32_t> ids = {2, 0, 1, 2};
  Rows tokens(2, 2, {3, 4, 5, 6}), y(4, 1);
  const ExpertTarget target = {weight.get(), bias.data(), y.matrix()};
  backend_->expert_linear({tokens.matrix(), {&target, 1}, 2, 2, ids.data()});
  EXPECT_THAT(y.values(), ElementsAre(107, 3, 6, 111));
  Rows slots(4, 2, {1, 2, 3, 4, 5, 6, 7, 8});
  backend_->expert_linear({slots.matrix(), {&target, 1}, 2, 2, ids.data()});
  EXPECT_THAT(y.values(), ElementsAre(103, 3, 6, 115));
}

TEST_P(RowOps, PrepareNamesTheTensorItRefuses) {
  const std::vector<float> w(6);
  TensorView view;
  view.dims = {4, 2, 1, 1};  // 8 values, but the bytes of 6
  view.bytes = std::as_bytes(std::span(w));
  const auto weight = backend_->prepare(view, WeightUse::kMatrix, "blk.0.ffn_up.weight");
  ASSERT_FALSE(weight);
  EXPECT_THAT(weight.error().message, ::testing::HasSubstr("blk.0.ffn_up.weight"));
}

TEST_P(RowOps, NoRowsIsNoWork) {
  Matrix none = {nullptr, 0, 4, 4};
  backend_->add({none, none, 1.0f, 1.0f, none});
  NormArgs args;
  args.x = args.out = none;
  args.group = 4;
  backend_->norm(args);
  backend_->activation({Activation::kSilu, none, {}, none});
}

}  // namespace
}  // namespace chasqui::backend::testing
