// The CPU's recurrent ops against the reference backend, and against themselves divided in other
// ways: the same bits whatever the chunks, the batch, the number of threads, the level.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "backend/testing/states.h"

namespace chasqui::backend::testing {
namespace {

class CpuRecurrent : public OpTest {};
CHASQUI_OP_TESTS(CpuRecurrent);

StateTable table_for(int64_t tokens, int32_t first = 0) {
  StateTable table(static_cast<size_t>((tokens + kKvBlockTokens - 1) / kKvBlockTokens));
  std::iota(table.begin(), table.end(), first);
  return table;
}

int64_t states_for(int64_t tokens) {
  return static_cast<int64_t>(table_for(tokens).size());
}

// Steps of random sizes that add up to `tokens`.
std::vector<int64_t> random_steps(Rng& rng, int64_t tokens) {
  std::vector<int64_t> steps;
  for (int64_t left = tokens; left > 0; left -= steps.back()) {
    const uint64_t most = rng.below(3) == 0 ? 40 : 3;
    steps.push_back(std::min(left, 1 + static_cast<int64_t>(rng.below(most))));
  }
  return steps;
}

std::vector<float> run_delta(Backend& backend, DeltaScene& scene, States& states,
                             const std::vector<int64_t>& steps) {
  const StateTable table = table_for(scene.tokens);
  Rows out(scene.tokens, scene.value_heads * scene.value_dim);
  int64_t begin = 0;
  for (const int64_t count : steps) {
    const SequenceSlice slice = {0, count, begin, table};
    DeltaRuleArgs args = scene.args(begin, count);
    args.state = states.part();
    args.slices = {&slice, 1};
    args.out = rows_of(out.matrix(), begin, count);
    backend.delta_rule(args);
    begin += count;
  }
  return out.values();
}

// To first order, with u = kRound, keys as long as `key` and values, states and queries of the
// sizes that come out: each row adds an error of a few u of the largest number that it adds up, of
// which there are key_dim + 6, to a state whose error is multiplied by at most g (1 + b |k|^2).
// Keys of length 1 (as models have them) and b < 1 keep that factor below 1 + 1, in the worst
// direction only; the test makes rows short enough for that bound to stay small.
TEST_P(CpuRecurrent, DeltaRuleAgreesWithTheReference) {
  Rng rng(41);
  for (int round = 0; round < 12; ++round) {
    DeltaScene scene = DeltaScene::random(rng, 1 + static_cast<int64_t>(rng.below(40)));
    NormArgs norm;
    norm.kind = NormKind::kL2;
    norm.group = scene.key_dim;
    norm.eps = 1e-6f;
    for (Rows* rows : {&scene.q, &scene.k}) {
      norm.x = norm.out = rows->matrix();
      reference_->norm(norm);
    }
    States expected_states(*reference_, {states_for(scene.tokens), scene.floats()});
    States actual_states(*backend_, {states_for(scene.tokens), scene.floats()});
    const auto expected = run_delta(*reference_, scene, expected_states, {scene.tokens});
    const auto actual = run_delta(*backend_, scene, actual_states, {scene.tokens});
    // With |k| = 1 a row maps the state by g (1 - b k k^T), a contraction: errors only add up. Of a
    // row: key_dim / 4 + 2 additions of the chains twice, and ten more roundings; of values up to 5
    // and states not larger than the values that they were made of.
    const double rounds = static_cast<double>(scene.key_dim) / 2 + 14;
    const double size = 5 * std::sqrt(static_cast<double>(scene.tokens));
    const double allowed = kRound * static_cast<double>(scene.tokens) * rounds * size;
    for (size_t i = 0; i < expected.size(); ++i) {
      ASSERT_NEAR(actual[i], expected[i], allowed) << "round " << round << " at " << i;
    }
    const int32_t last = table_for(scene.tokens).back();
    const auto a = actual_states.values(last), e = expected_states.values(last);
    for (size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], e[i], allowed) << "state " << i;
  }
}

TEST_P(CpuRecurrent, DeltaRuleGivesTheSameBitsHoweverItIsCutAndOnEveryLevelAndTeam) {
  Rng rng(42);
  const auto plain = make_backend("scalar/1");
  for (int round = 0; round < 8; ++round) {
    DeltaScene scene = DeltaScene::random(rng, 1 + static_cast<int64_t>(rng.below(80)));
    States whole(*plain, {states_for(scene.tokens), scene.floats()});
    States cut(*backend_, {states_for(scene.tokens), scene.floats()});
    const auto expected = run_delta(*plain, scene, whole, {scene.tokens});
    const auto actual = run_delta(*backend_, scene, cut, random_steps(rng, scene.tokens));
    ASSERT_EQ(actual, expected) << "round " << round;
    for (const int32_t state : table_for(scene.tokens)) {
      ASSERT_EQ(cut.values(state), whole.values(state)) << "round " << round;
    }
  }
}

struct ConvScene {
  int64_t taps;
  Rows weight;
  Rows x;

  static ConvScene random(Rng& rng, int64_t tokens) {
    const int64_t taps = 1 + static_cast<int64_t>(rng.below(5));
    const int64_t cols = 1 + static_cast<int64_t>(rng.below(600));
    return {taps, random_rows(rng, taps, cols), random_rows(rng, tokens, cols)};
  }
  int64_t floats() { return std::max<int64_t>(1, (taps - 1) * x.matrix().cols); }
};

std::vector<float> run_conv(Backend& backend, ConvScene& scene, States& states,
                            const std::vector<int64_t>& steps) {
  const Matrix x = scene.x.matrix();
  const StateTable table = table_for(x.rows);
  Rows out(x.rows, x.cols);
  int64_t begin = 0;
  for (const int64_t count : steps) {
    const SequenceSlice slice = {0, count, begin, table};
    backend.conv_update({rows_of(x, begin, count),
                         scene.taps,
                         scene.weight.matrix().data,
                         states.part(),
                         {&slice, 1},
                         rows_of(out.matrix(), begin, count)});
    begin += count;
  }
  return out.values();
}

TEST_P(CpuRecurrent, ConvolutionAgreesWithTheReferenceHoweverItIsCut) {
  Rng rng(43);
  for (int round = 0; round < 12; ++round) {
    const int64_t tokens = 1 + static_cast<int64_t>(rng.below(50));
    ConvScene scene = ConvScene::random(rng, tokens);
    const StateSpec spec = {states_for(tokens), scene.floats()};
    States expected_states(*reference_, spec), whole_states(*backend_, spec);
    States cut_states(*backend_, spec);
    const auto expected = run_conv(*reference_, scene, expected_states, {tokens});
    const auto whole = run_conv(*backend_, scene, whole_states, {tokens});
    const auto cut = run_conv(*backend_, scene, cut_states, random_steps(rng, tokens));
    ASSERT_EQ(cut, whole) << "round " << round;
    // At most five products of numbers below 5 each.
    for (size_t i = 0; i < whole.size(); ++i) {
      ASSERT_NEAR(whole[i], expected[i], kRound * 6 * 5 * 25) << "round " << round;
    }
    for (const int32_t state : table_for(tokens)) {
      if (scene.taps == 1) break;  // nothing is kept
      ASSERT_EQ(cut_states.values(state), expected_states.values(state)) << "round " << round;
      ASSERT_EQ(whole_states.values(state), expected_states.values(state)) << "round " << round;
    }
  }
}

// Several sequences in one call, two of them after the same state.
TEST_P(CpuRecurrent, SequencesOfOneCallDoNotMeet) {
  Rng rng(44);
  DeltaScene scene = DeltaScene::random(rng, 30);
  const int64_t width = scene.value_heads * scene.value_dim;
  States together(*backend_, {5, scene.floats()}), apart(*backend_, {5, scene.floats()});
  const std::vector<float> common =
      random_rows(rng, 1, scene.floats()).values();  // after 16 tokens
  for (States* states : {&together, &apart}) states->set(0, common);
  const StateTable a = {0, 1}, b = {0, 2}, c = {3};
  const std::vector<SequenceSlice> slices = {{0, 12, 16, a}, {12, 9, 16, b}, {21, 9, 0, c}};
  Rows expected(30, width), actual(30, width);
  DeltaRuleArgs args = scene.args(0, 30);
  args.out = actual.matrix();
  args.state = together.part();
  args.slices = slices;
  backend_->delta_rule(args);
  for (const SequenceSlice& slice : slices) {
    DeltaRuleArgs one = scene.args(slice.row_begin, slice.row_count);
    SequenceSlice alone = slice;
    alone.row_begin = 0;
    one.out = rows_of(expected.matrix(), slice.row_begin, slice.row_count);
    one.state = apart.part();
    one.slices = {&alone, 1};
    backend_->delta_rule(one);
  }
  EXPECT_EQ(actual.values(), expected.values());
  EXPECT_EQ(together.values(0), common);
  for (const int32_t state : {1, 2, 3}) EXPECT_EQ(together.values(state), apart.values(state));
}

}  // namespace
}  // namespace chasqui::backend::testing
