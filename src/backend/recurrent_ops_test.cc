// Hand-computed cases and properties of conv_update and delta_rule.
#include <gmock/gmock.h>

#include <cmath>

#include "backend/testing/states.h"

namespace chasqui::backend::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatNear;

class Recurrent : public OpTest {
 protected:
  // One call over rows of x at positions `begin`, ...
  Rows convolve(States& states, const StateTable& table, int64_t begin, Rows x,
                const std::vector<float>& weight) {
    const Matrix in = x.matrix();
    Rows out(in.rows, in.cols);
    const SequenceSlice slice = {0, in.rows, begin, table};
    backend_->conv_update({in,
                           static_cast<int64_t>(weight.size()) / in.cols,
                           weight.data(),
                           states.part(),
                           {&slice, 1},
                           out.matrix()});
    return out;
  }
};
CHASQUI_OP_TESTS(Recurrent);

TEST_P(Recurrent, ConvolutionWeighsTheLastRowsOldestFirst) {
  States states(*backend_, {1, 2 * 2});
  const std::vector<float> weight = {100, 1, 10, 0, 1, 2};  // three taps of two columns
  const Rows out = convolve(states, {0}, 0, Rows(3, 2, {1, 5, 2, 6, 3, 7}), weight);
  EXPECT_THAT(out.row(0), ElementsAre(1, 10));
  EXPECT_THAT(out.row(1), ElementsAre(12, 12));
  EXPECT_THAT(out.row(2), ElementsAre(123, 19));
  EXPECT_THAT(states.values(0), ElementsAre(2, 6, 3, 7));
  const Rows next = convolve(states, {0}, 3, Rows(1, 2, {4, 8}), weight);
  EXPECT_THAT(next.row(0), ElementsAre(234, 22));
  EXPECT_THAT(states.values(0), ElementsAre(3, 7, 4, 8));
}

TEST_P(Recurrent, AShortConvolutionKeepsWhatIsNotYetOld) {
  States states(*backend_, {1, 3});
  const std::vector<float> weight = {1, 10, 100, 1000};
  convolve(states, {0}, 0, Rows(1, 1, {7}), weight);
  EXPECT_THAT(states.values(0), ElementsAre(0, 0, 7));
  const Rows out = convolve(states, {0}, 1, Rows(1, 1, {8}), weight);
  EXPECT_THAT(out.row(0), ElementsAre(8700));
  EXPECT_THAT(states.values(0), ElementsAre(0, 7, 8));
}

TEST_P(Recurrent, OneTapNeedsNoState) {
  States states(*backend_, {1, 1});
  const Rows out = convolve(states, {0}, 0, Rows(2, 1, {3, 4}), {2});
  EXPECT_EQ(out.at(0, 0), 6);
  EXPECT_EQ(out.at(1, 0), 8);
}

// One head of one key and one value, so that a state is a number.
struct Scalar {
  States states;
  Backend& backend;

  explicit Scalar(Backend& b) : states(b, {3, 1}), backend(b) {}

  // One row with query 1; gate logits say g = `decay` and b = `beta`.
  float step(const StateTable& table, int64_t position, float k, float v, float decay, float beta) {
    Rows q(1, 1, {1}), key(1, 1, {k}), value(1, 1, {v}), out(1, 1);
    Rows beta_logit(1, 1, {std::log(beta / (1 - beta))});
    // softplus(ln(e^y - 1)) = y
    Rows alpha(1, 1, {std::log(1 / decay - 1)});
    const float minus_one = -1, no_bias = 0;
    const SequenceSlice slice = {0, 1, position, table};
    DeltaRuleArgs args;
    args.q = q.matrix();
    args.k = key.matrix();
    args.v = value.matrix();
    args.alpha = {alpha.matrix(), 1, 1};
    args.beta = {beta_logit.matrix(), 1, 1};
    args.dt_bias = &no_bias;
    args.decay = &minus_one;
    args.key_heads = args.value_heads = 1;
    args.scale = 2;
    args.state = states.part();
    args.slices = {&slice, 1};
    args.out = out.matrix();
    backend.delta_rule(args);
    return out.at(0, 0);
  }
};

TEST_P(Recurrent, DeltaRuleForgetsCorrectsAndReads) {
  Scalar head(*backend_);
  // S = 0 -> 0 + 3 * 1/2 * (8 - 0) = 12.
  EXPECT_FLOAT_EQ(head.step({0}, 0, 3, 8, 0.5f, 0.5f), 24);
  EXPECT_FLOAT_EQ(head.states.values(0)[0], 12);
  // S = 12 -> 3; what k = 2 finds is 6; 3 + 2 * 1/4 * (10 - 6) = 5.
  EXPECT_FLOAT_EQ(head.step({0}, 1, 2, 10, 0.25f, 0.25f), 10);
}

TEST_P(Recurrent, AFullBlockKeepsItsState) {
  Scalar head(*backend_);
  head.states.set(1, {12});
  EXPECT_FLOAT_EQ(head.step({1, 0}, kKvBlockTokens, 2, 10, 0.25f, 0.25f), 10);
  EXPECT_EQ(head.states.values(1)[0], 12);
  EXPECT_FLOAT_EQ(head.states.values(0)[0], 5);
}

TEST_P(Recurrent, ValueHeadsReadTheKeysThatTheyShare) {
  // Two key heads, four value heads; out = b v (q k) of the head's keys.
  for (const KeySharing sharing : {KeySharing::kGrouped, KeySharing::kTiled}) {
    States states(*backend_, {1, 4});
    Rows q(1, 2, {1, 10}), k(1, 2, {1, 1}), v(1, 4, {1, 2, 3, 4}), out(1, 4);
    Rows gate(1, 4, {0, 0, 0, 0});
    const std::vector<float> zeros(4, 0.0f);
    const StateTable table = {0};
    const SequenceSlice slice = {0, 1, 0, table};
    DeltaRuleArgs args;
    args.q = q.matrix();
    args.k = k.matrix();
    args.v = v.matrix();
    args.alpha = args.beta = {gate.matrix(), 4, 4};
    args.dt_bias = args.decay = zeros.data();
    args.key_heads = 2;
    args.value_heads = 4;
    args.sharing = sharing;
    args.scale = 2;
    args.state = states.part();
    args.slices = {&slice, 1};
    args.out = out.matrix();
    backend_->delta_rule(args);
    if (sharing == KeySharing::kGrouped) {
      EXPECT_THAT(out.row(0), ElementsAre(1, 2, 30, 40));
    } else {
      EXPECT_THAT(out.row(0), ElementsAre(1, 20, 3, 40));
    }
  }
}

TEST(GateColumns, OfEveryHeadMayBeInOneMatrix) {
  Rows x(1, 8, {0, 1, 2, 3, 4, 5, 6, 7});
  const GateColumns gates{x.matrix(), 2, 4};
  EXPECT_THAT((std::vector{gates.at(0, 0), gates.at(0, 1), gates.at(0, 2), gates.at(0, 3)}),
              ElementsAre(0, 1, 4, 5));
}

TEST_P(Recurrent, HugeGateLogitsAreNotInfinite) {
  Scalar head(*backend_);
  head.states.set(0, {4});
  Rows one(1, 1, {1}), out(1, 1), alpha(1, 1, {1000}), beta(1, 1, {-1000});
  const float decay = -0.001f, no_bias = 0;
  const StateTable table = {0};
  const SequenceSlice slice = {0, 1, 1, table};
  DeltaRuleArgs args;
  args.q = args.k = args.v = one.matrix();
  args.alpha = {alpha.matrix(), 1, 1};
  args.beta = {beta.matrix(), 1, 1};
  args.dt_bias = &no_bias;
  args.decay = &decay;
  args.key_heads = args.value_heads = 1;
  args.state = head.states.part();
  args.slices = {&slice, 1};
  args.out = out.matrix();
  backend_->delta_rule(args);
  EXPECT_THAT(out.at(0, 0), FloatNear(4 * std::exp(-1.0f), 1e-6f));
}

// What the block tables say does not change what is computed, and every state that is wanted is
// the state after exactly its tokens.
TEST_P(Recurrent, StatesAreThoseAfterTheLastTokenOfTheirBlock) {
  Rng rng(7);
  DeltaScene scene = DeltaScene::random(rng, 40);
  const int64_t width = scene.value_heads * scene.value_dim;
  const auto run = [&](States& states, const StateTable& table, int64_t count) {
    Rows out(count, width);
    const SequenceSlice slice = {0, count, 0, table};
    DeltaRuleArgs args = scene.args(0, count);
    args.state = states.part();
    args.slices = {&slice, 1};
    args.out = out.matrix();
    backend_->delta_rule(args);
    return out.values();
  };
  States sparse(*backend_, {3, scene.floats()}), all(*backend_, {3, scene.floats()});
  EXPECT_EQ(run(sparse, {-1, 1, 0}, 40), run(all, {0, 1, 2}, 40));
  EXPECT_EQ(sparse.values(1), all.values(1));
  EXPECT_EQ(sparse.values(0), all.values(2));
  States shorter(*backend_, {1, scene.floats()});
  run(shorter, {-1, 0}, 32);
  EXPECT_EQ(shorter.values(0), all.values(1));
}

}  // namespace
}  // namespace chasqui::backend::testing
