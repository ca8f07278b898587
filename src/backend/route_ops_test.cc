// Hand-computed cases of route_experts.
#include <gmock/gmock.h>

#include <cmath>

#include "backend/testing/op_test.h"

namespace chasqui::backend::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatNear;

struct Routed {
  std::vector<int32_t> ids;
  std::vector<float> weights;
};

class Route : public OpTest {
 protected:
  Routed route(RouteArgs args, Rows logits) {
    const size_t slots = static_cast<size_t>(logits.matrix().rows * args.used);
    Routed out = {std::vector<int32_t>(slots, -1), std::vector<float>(slots, -1)};
    args.logits = logits.matrix();
    args.ids = out.ids.data();
    args.weights = out.weights.data();
    backend_->route_experts(args);
    return out;
  }

  static RouteArgs gate(ExpertGate kind, int64_t used, bool normalize = false) {
    RouteArgs args;
    args.gate = kind;
    args.used = used;
    args.normalize = normalize;
    return args;
  }
};
CHASQUI_OP_TESTS(Route);

const float kLn2 = std::log(2.0f);
auto near(float value) {
  return FloatNear(value, 1e-6f);
}

TEST_P(Route, SoftmaxIsOverAllExperts) {
  // Probabilities 1/8, 4/8, 2/8, 1/8.
  const Rows logits(1, 4, {0, 2 * kLn2, kLn2, 0});
  const Routed plain = route(gate(ExpertGate::kSoftmax, 2), logits);
  EXPECT_THAT(plain.ids, ElementsAre(1, 2));
  EXPECT_THAT(plain.weights, ElementsAre(near(0.5f), near(0.25f)));
  const Routed normalized = route(gate(ExpertGate::kSoftmax, 2, true), logits);
  EXPECT_THAT(normalized.weights, ElementsAre(near(2.0f / 3), near(1.0f / 3)));
}

TEST_P(Route, SoftmaxOfChosenIsOverTheChosenOnly) {
  const Routed out =
      route(gate(ExpertGate::kSoftmaxOfChosen, 2), Rows(1, 4, {0, 2 * kLn2, kLn2, 0}));
  EXPECT_THAT(out.ids, ElementsAre(1, 2));
  EXPECT_THAT(out.weights, ElementsAre(near(2.0f / 3), near(1.0f / 3)));
}

TEST_P(Route, SigmoidScoresAreIndependent) {
  RouteArgs args = gate(ExpertGate::kSigmoid, 2);
  const Rows logits(1, 3, {0, -kLn2, kLn2});  // 1/2, 1/3, 2/3
  EXPECT_THAT(route(args, logits).ids, ElementsAre(2, 0));
  EXPECT_THAT(route(args, logits).weights, ElementsAre(near(2.0f / 3), near(0.5f)));
  args.normalize = true;
  args.scale = 7;
  EXPECT_THAT(route(args, logits).weights, ElementsAre(near(4), near(3)));
}

TEST_P(Route, BiasDecidesTheChoiceButNotTheWeight) {
  RouteArgs args = gate(ExpertGate::kSigmoid, 2);
  const std::vector<float> bias = {0, 10, 5};
  args.selection_bias = bias.data();
  const Routed out = route(args, Rows(1, 3, {0, -kLn2, kLn2}));
  EXPECT_THAT(out.ids, ElementsAre(1, 2));
  EXPECT_THAT(out.weights, ElementsAre(near(1.0f / 3), near(2.0f / 3)));
}

// Group worths: 3 + 0, 2 + 2 and, with the bias, 1.5 + 1.5.
TEST_P(Route, OnlyTheBestGroupsAreChosenFrom) {
  RouteArgs args = gate(ExpertGate::kSoftmaxOfChosen, 2);
  args.groups = 3;
  const Rows logits(1, 6, {3, 0, 2, 2, 1, 1});
  EXPECT_THAT(route(args, logits).ids, ElementsAre(2, 3));
  args.groups_used = 2;
  EXPECT_THAT(route(args, logits).ids, ElementsAre(0, 2));
  const std::vector<float> bias = {-2, 0, 0, 0, 0.5, 0.5};
  args.selection_bias = bias.data();
  EXPECT_THAT(route(args, logits).ids, ElementsAre(2, 3));
  args.used = 3;
  EXPECT_THAT(route(args, logits).ids, ElementsAre(2, 3, 4));
}

TEST_P(Route, ExpertsHaveAScaleOfTheirOwn) {
  RouteArgs args = gate(ExpertGate::kSoftmax, 2, true);
  const std::vector<float> scale = {1, 2, 3};
  args.expert_scale = scale.data();
  EXPECT_THAT(route(args, Rows(1, 3, {0, kLn2, 0})).weights,
              ElementsAre(near(4.0f / 3), near(1.0f / 3)));
}

TEST_P(Route, TiesGoToTheLowerIndex) {
  for (ExpertGate kind :
       {ExpertGate::kSoftmax, ExpertGate::kSigmoid, ExpertGate::kSoftmaxOfChosen}) {
    const Routed out = route(gate(kind, 4), Rows(1, 6, {1, 2, 1, 2, 2, 1}));
    EXPECT_THAT(out.ids, ElementsAre(1, 3, 4, 0));
  }
}

TEST_P(Route, RowsDoNotMix) {
  Rows logits(2, 3, {0, 1, 2, 5, 4, 3});
  const Routed out = route(gate(ExpertGate::kSoftmaxOfChosen, 1), logits);
  EXPECT_THAT(out.ids, ElementsAre(2, 0));
  EXPECT_THAT(out.weights, ElementsAre(1, 1));
}

TEST_P(Route, ExtremeLogitsStayFinite) {
  const Routed low = route(gate(ExpertGate::kSigmoid, 2, true), Rows(1, 2, {-500, -600}));
  EXPECT_THAT(low.ids, ElementsAre(0, 1));
  for (float weight : low.weights) EXPECT_TRUE(std::isfinite(weight));
  const Routed high = route(gate(ExpertGate::kSoftmax, 2), Rows(1, 2, {3000, -3000}));
  EXPECT_THAT(high.weights, ElementsAre(1, 0));
}

TEST_P(Route, NotANumberStillGivesDistinctExperts) {
  const Routed out = route(gate(ExpertGate::kSoftmax, 3), Rows(1, 3, {NAN, NAN, NAN}));
  EXPECT_THAT(out.ids, ::testing::UnorderedElementsAre(0, 1, 2));
}

}  // namespace
}  // namespace chasqui::backend::testing
