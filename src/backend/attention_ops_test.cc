// Hand-computed cases and properties of store_kv and attention.
#include <gmock/gmock.h>

#include <cmath>

#include "backend/testing/cache.h"

namespace chasqui::backend::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::Pointwise;

constexpr float kNear = 1e-6f;

class Attention : public OpTest {};
CHASQUI_OP_TESTS(Attention);

// One head of one dimension with keys 0, ln 3, ...: the weights can be told by heart.
const float kLn3 = std::log(3.0f);

TEST_P(Attention, OneKeyGivesItsValue) {
  Cache cache(*backend_, f32_cache(2, 1, 2, 3));
  cache.store({1}, 0, Rows(1, 2, {5, -7}), Rows(1, 3, {1, 2, 3}));
  const Rows out = cache.attend({1}, 0, Rows(1, 2, {100, 3}), heads(1));
  EXPECT_THAT(out.row(0), ElementsAre(1, 2, 3));
}

TEST_P(Attention, WeighsByTheExponentialOfTheScaledScore) {
  Cache cache(*backend_, f32_cache(1, 1, 1, 2));
  cache.store({0}, 0, Rows(2, 1, {0, 2 * kLn3}), Rows(2, 2, {4, 0, 8, 100}));
  // scale 1/2: scores 0 and ln 3, weights 1/4 and 3/4.
  const Rows out = cache.attend({0}, 1, Rows(1, 1, {1}), heads(1, 0.5f));
  EXPECT_THAT(out.row(0), ElementsAre(FloatNear(7, 8 * kNear), FloatNear(75, 100 * kNear)));
}

TEST_P(Attention, IsCausalUnlessToldOtherwise) {
  Cache cache(*backend_, f32_cache(1, 1, 1, 1));
  cache.store({0}, 0, Rows(3, 1, {1, 1, 1}), Rows(3, 1, {3, 6, 9}));
  const Rows q(3, 1, {1, 1, 1});
  AttentionArgs args = heads(1);
  const Rows causal = cache.attend({0}, 0, q, args);
  EXPECT_FLOAT_EQ(causal.at(0, 0), 3.0f);
  EXPECT_FLOAT_EQ(causal.at(1, 0), 4.5f);
  EXPECT_FLOAT_EQ(causal.at(2, 0), 6.0f);
  args.causal = false;
  const Rows whole = cache.attend({0}, 0, q, args);
  for (int r = 0; r < 3; ++r) EXPECT_FLOAT_EQ(whole.at(r, 0), 6.0f);
}

TEST_P(Attention, SeesOnlyTheWindow) {
  Cache cache(*backend_, f32_cache(3, 1, 1, 1));
  Rows k(40, 1), v(40, 1);
  for (int i = 0; i < 40; ++i) v.values()[static_cast<size_t>(i)] = static_cast<float>(i);
  cache.store({2, 0, 1}, 0, k, v);
  AttentionArgs args = heads(1);
  args.window = 3;
  const Rows out = cache.attend({2, 0, 1}, 30, Rows(10, 1), args);
  for (int r = 0; r < 10; ++r) EXPECT_FLOAT_EQ(out.at(r, 0), static_cast<float>(29 + r)) << r;
  // Both ways for an encoder: (p - 3, p + 3), cut at the ends of the sequence.
  args.causal = false;
  const Rows both = cache.attend({2, 0, 1}, 0, Rows(40, 1), args);
  EXPECT_FLOAT_EQ(both.at(0, 0), 1.0f);
  EXPECT_FLOAT_EQ(both.at(20, 0), 20.0f);
  EXPECT_FLOAT_EQ(both.at(39, 0), 38.0f);
}

TEST_P(Attention, SharesEachKvHeadAmongNeighbouringQueryHeads) {
  Cache cache(*backend_, f32_cache(1, 2, 1, 1));
  cache.store({0}, 0, Rows(2, 2, {0, 0, kLn3, -kLn3}), Rows(2, 2, {0, 0, 4, 400}));
  // Query heads 0, 1, 2 read KV head 0 (scores 0 and q ln 3), the others KV head 1.
  const Rows out = cache.attend({0}, 1, Rows(1, 6, {0, 1, -1, 0, 1, -1}), heads(6));
  const std::vector<float> expected = {2, 3, 1, 200, 100, 300};
  EXPECT_THAT(out.row(0), Pointwise(FloatNear(400 * kNear), expected));
}

TEST_P(Attention, SinkTakesItsShareAndGivesNothing) {
  Cache cache(*backend_, f32_cache(1, 1, 1, 1));
  cache.store({0}, 0, Rows(1, 1, {1}), Rows(1, 1, {8}));
  const std::vector<float> sinks = {1.0f, 1.0f + kLn3, -INFINITY};
  AttentionArgs args = heads(3);
  args.sinks = sinks.data();
  const Rows out = cache.attend({0}, 0, Rows(1, 3, {1, 1, 1}), args);
  EXPECT_THAT(out.row(0), ElementsAre(FloatNear(4, 8 * kNear), FloatNear(2, 8 * kNear),
                                      FloatNear(8, 8 * kNear)));
}

TEST_P(Attention, CapsTheScaledScore) {
  Cache cache(*backend_, f32_cache(1, 1, 1, 1));
  cache.store({0}, 0, Rows(2, 1, {0, 10}), Rows(2, 1, {0, 1}));
  AttentionArgs args = heads(1, 0.5f);
  args.softcap = 2.0f;
  const Rows out = cache.attend({0}, 1, Rows(1, 1, {1}), args);
  const double score = 2 * std::tanh(5.0 / 2.0);
  EXPECT_NEAR(out.at(0, 0), std::exp(score) / (1 + std::exp(score)), kNear);
}

TEST_P(Attention, WeightsSumToOne) {
  Rng rng(1);
  Cache cache(*backend_, f32_cache(70, 2, 20, 5));
  Table table(70);
  for (int i = 0; i < 70; ++i) table[static_cast<size_t>(i)] = 69 - i;
  const int64_t n = 70 * 16;
  Rows ones(n, 10, std::vector<float>(static_cast<size_t>(n * 10), 1.0f));
  cache.store(table, 0, random_rows(rng, n, 40), ones);
  const Rows out = cache.attend(table, n - 3, random_rows(rng, 3, 80, 3.0f), heads(4));
  for (int r = 0; r < 3; ++r) {
    for (int c = 0; c < 20; ++c) EXPECT_NEAR(out.at(r, c), 1.0f, 1e-6f);
  }
}

TEST_P(Attention, LargeScoresDoNotOverflow) {
  Cache cache(*backend_, f32_cache(1, 1, 1, 1));
  cache.store({0}, 0, Rows(3, 1, {3000, -3000, 3000}), Rows(3, 1, {2, 1000, 4}));
  const Rows out = cache.attend({0}, 2, Rows(1, 1, {3000}), heads(1));
  EXPECT_FLOAT_EQ(out.at(0, 0), 3.0f);
}

TEST_P(Attention, ReadsNothingBeyondTheVisiblePositions) {
  Rng rng(2);
  for (DType type : {DType::kF32, DType::kF16}) {
    const KvSpec spec = {8, 2, 20, 12, type, type};
    Cache clean(*backend_, spec), poisoned(*backend_, spec);
    poisoned.poison();
    const Table table = {3, 6, 1};
    const Rows k = random_rows(rng, 37, 40), v = random_rows(rng, 37, 24);
    const Rows q = random_rows(rng, 37, 80);
    for (Cache* cache : {&clean, &poisoned}) cache->store(table, 0, k, v);
    for (bool causal : {true, false}) {
      AttentionArgs args = heads(4, 0.2f);
      args.causal = causal;
      Rows expected = clean.attend(table, 0, q, args);
      EXPECT_EQ(expected.values(), poisoned.attend(table, 0, q, args).values());
    }
  }
}

TEST_P(Attention, PositionsOverTheWindowDoNotLeak) {
  Rng rng(3);
  Cache cache(*backend_, f32_cache(4, 1, 8, 8));
  cache.poison();
  const Table table = {0, 1, 2, 3};
  const Rows k = random_rows(rng, 20, 8), v = random_rows(rng, 20, 8);
  cache.store(table, 41, k, v);  // 0 .. 40 stay NaN
  AttentionArgs args = heads(1);
  args.window = 7;
  const Rows out = cache.attend(table, 47, random_rows(rng, 14, 8), args);
  for (int r = 0; r < 14; ++r) {
    for (int c = 0; c < 8; ++c) EXPECT_TRUE(std::isfinite(out.at(r, c)));
  }
}

TEST_P(Attention, HalfPrecisionCacheRoundsOnce) {
  Cache cache(*backend_, KvSpec{1, 1, 1, 2});
  cache.store({0}, 0, Rows(1, 1, {1}), Rows(1, 2, {0.1f, 1.00048828125f}));
  const Rows out = cache.attend({0}, 0, Rows(1, 1, {1}), heads(1));
  // Nearest halves; the second lies between two and goes to the even one.
  EXPECT_THAT(out.row(0), ElementsAre(0.0999755859375f, 1.0f));
}

TEST_P(Attention, BlocksCanBeCopiedOutAndIn) {
  Rng rng(4);
  for (const KvSpec& spec : {KvSpec{6, 2, 20, 12, DType::kF16, DType::kF32},
                             KvSpec{6, 2, 32, 64, DType::kQ8_0, DType::kQ4_0}}) {
    Cache from(*backend_, spec), to(*backend_, spec);
    const Table table = {5, 0, 2}, other = {1, 4, 3}, third = {0, 5, 2};
    from.store(table, 0, random_rows(rng, 40, 2 * spec.key_dim),
               random_rows(rng, 40, 2 * spec.value_dim));
    std::vector<std::byte> bytes(static_cast<size_t>(from.pool().block_bytes()));
    for (size_t i = 0; i < table.size(); ++i) {
      from.pool().read_block(table[i], bytes.data());
      to.pool().write_block(other[i], bytes.data());
      to.pool().copy_block(other[i], third[i]);
    }
    const Rows q = random_rows(rng, 2, 4 * spec.key_dim);
    Rows expected = from.attend(table, 38, q, heads(4));
    EXPECT_EQ(expected.values(), to.attend(other, 38, q, heads(4)).values());
    EXPECT_EQ(expected.values(), to.attend(third, 38, q, heads(4)).values());
  }
}

TEST_P(Attention, RefusesCacheTypesThatItCannotHold) {
  EXPECT_TRUE(backend_->supports_kv_type(DType::kF32));
  EXPECT_TRUE(backend_->supports_kv_type(DType::kF16));
  EXPECT_FALSE(backend_->supports_kv_type(DType::kI64));
  const auto pool = backend_->allocate_kv({4, 1, 8, 8, DType::kI64, DType::kF16});
  ASSERT_FALSE(pool);
  EXPECT_EQ(pool.error().code, ErrorCode::kUnsupported);
  EXPECT_THAT(pool.error().message, ::testing::HasSubstr("I64"));
}

}  // namespace
}  // namespace chasqui::backend::testing
