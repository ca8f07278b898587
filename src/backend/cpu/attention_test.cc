// The CPU's attention against the reference backend, and against itself divided in other ways: the
// same bits whatever the chunks, the batch, the number of threads, the instruction-set level.
#include <algorithm>
#include <cmath>

#include "backend/cpu/attention_kernels.h"
#include "backend/testing/cache.h"

namespace chasqui::backend::testing {
namespace {

class CpuAttention : public OpTest {};
CHASQUI_OP_TESTS(CpuAttention);

// A random model shape and sequence.
struct Scene {
  KvSpec spec;
  int64_t share;
  int64_t tokens;
  AttentionArgs args;
  std::vector<float> sinks;
  Rows q, k, v;

  int64_t heads() const { return spec.kv_heads * share; }
};

struct Dims {
  int64_t key;
  int64_t value;
};
// Multiples of 16 and not, as the golden models and real ones have.
constexpr Dims kDims[] = {{64, 64}, {20, 12}, {33, 17}, {80, 96}, {128, 128}, {1, 1}};
// For quantised types: whole groups of 32.
constexpr Dims kBlockDims[] = {{64, 64}, {32, 96}, {128, 128}, {96, 32}};
constexpr int64_t kShares[] = {1, 2, 3, 4, 7, 8, 9, 12};
constexpr int64_t kWindows[] = {0, 0, 1, 5, 100, 300};
constexpr DType kTypes[] = {DType::kF16, DType::kF32, DType::kBF16, DType::kQ8_0, DType::kQ4_0};

template <typename T, size_t N>
T pick(Rng& rng, const T (&from)[N]) {
  return from[rng.below(N)];
}

bool is_quantised(DType type) {
  return dtype_info(type).block_values > 1;
}

// The op rounds queries to bytes, one scale for 32 dimensions, when keys are quantised. Queries
// that are bytes already leave the reference nothing else to compute, so the same tolerance holds.
void make_bytes(std::vector<float>& q) {
  for (size_t begin = 0; begin < q.size(); begin += 32) {
    const std::span group = std::span(q).subspan(begin, 32);
    float largest = 0;
    for (const float x : group) largest = std::max(largest, std::abs(x));
    for (float& x : group) x = std::nearbyint(x * 127.0f / largest) * (largest / 127.0f);
  }
}

Scene random_scene(Rng& rng, int64_t max_tokens) {
  const DType key_type = pick(rng, kTypes);
  const DType value_type = pick(rng, kTypes);
  const bool blocks = is_quantised(key_type) || is_quantised(value_type);
  const Dims dims = blocks ? pick(rng, kBlockDims) : pick(rng, kDims);
  const int64_t kv_heads = 1 + static_cast<int64_t>(rng.below(3));
  const int64_t share = pick(rng, kShares);
  const int64_t tokens = 1 + static_cast<int64_t>(rng.below(static_cast<uint64_t>(max_tokens)));
  Scene s = {{2 * (tokens / 16 + 2), kv_heads, dims.key, dims.value, key_type, value_type},
             share,
             tokens,
             {},
             {},
             random_rows(rng, tokens, kv_heads * share * dims.key, 2.0f),
             random_rows(rng, tokens, kv_heads * dims.key),
             random_rows(rng, tokens, kv_heads * dims.value)};
  s.args.heads = s.heads();
  s.args.scale = 1.0f / std::sqrt(static_cast<float>(dims.key));
  s.args.window = pick(rng, kWindows);
  if (rng.below(3) == 0) s.args.softcap = 3.0f;
  if (rng.below(3) == 0) s.sinks = random_rows(rng, 1, s.heads()).values();
  if (is_quantised(key_type)) make_bytes(s.q.values());
  return s;
}

AttentionArgs args_of(const Scene& s) {
  AttentionArgs args = s.args;
  args.sinks = s.sinks.empty() ? nullptr : s.sinks.data();
  return args;
}

Rows part(Rows& rows, int64_t begin, int64_t end) {
  const Matrix m = rows.matrix();
  return Rows(end - begin, m.cols,
              {rows.values().begin() + begin * m.cols, rows.values().begin() + end * m.cols});
}

// `count` of the pool's blocks, in random order.
Table random_table(Rng& rng, const KvSpec& spec, int64_t count) {
  Table all;
  for (int32_t b = 0; b < spec.blocks; ++b) all.push_back(b);
  for (size_t i = all.size(); i > 1; --i) std::swap(all[i - 1], all[rng.below(i)]);
  all.resize(static_cast<size_t>(count));
  return all;
}

// The whole sequence as one slice.
Rows whole(Backend& backend, Scene& s, const AttentionArgs& args) {
  Cache cache(backend, s.spec);
  cache.poison();
  Rng rng(99);
  const Table table = random_table(rng, s.spec, s.tokens / 16 + 1);
  cache.store(table, 0, s.k, s.v);
  return cache.attend(table, 0, s.q, args);
}

float largest(const std::vector<float>& values) {
  float top = 0;
  for (float x : values) top = std::max(top, std::abs(x));
  return top;
}

// Longest row of `dim` values, in the 2-norm.
double longest(const std::vector<float>& values, int64_t dim) {
  double top = 0;
  for (size_t i = 0; i < values.size(); i += static_cast<size_t>(dim)) {
    double sum = 0;
    for (size_t j = i; j < i + static_cast<size_t>(dim); ++j) sum += double{values[j]} * values[j];
    top = std::max(top, std::sqrt(sum));
  }
  return top;
}

// What rounding can do at most, to first order, in units of |v|:
//   a score is a chain of key_dim products, so it is off by up to key_dim |q| |k| u scale, plus a
//   few u of its size for scale and cap; a weight is off by twice that (its own score and the
//   maximum), plus 4 u of exp and u |score - max| of the subtraction;
//   the chain over a partition adds 256 u, combining n partitions 4 n u, both in sum and values.
// Quantised types add a few u to a score and to a value for their scales, and stored keys and
// values may lie half a step outside of what was given.
double tolerance(Scene& s) {
  const double stored =
      s.spec.key_type == DType::kQ4_0 || s.spec.value_type == DType::kQ4_0 ? 1.0 + 0.5 / 7 : 1.01;
  const double size = longest(s.q.values(), s.spec.key_dim) *
                      longest(s.k.values(), s.spec.key_dim) * stored * double{s.args.scale};
  const double score = size * (static_cast<double>(s.spec.key_dim) + 8);
  const double partitions = std::ceil(static_cast<double>(s.tokens) / cpu::kPartitionTokens);
  return largest(s.v.values()) * stored * kRound *
         (2 * score + 2 * size + 6 + 2 * (cpu::kPartitionTokens + 4 * partitions));
}

TEST_P(CpuAttention, AgreesWithTheReference) {
  Rng rng(11);
  for (int round = 0; round < 30; ++round) {
    Scene s = random_scene(rng, round % 10 == 0 ? 500 : 60);
    AttentionArgs args = args_of(s);
    args.causal = rng.below(4) != 0;
    Rows expected = whole(*reference_, s, args), actual = whole(*backend_, s, args);
    const double bound = tolerance(s);
    for (size_t i = 0; i < expected.values().size(); ++i) {
      ASSERT_NEAR(actual.values()[i], expected.values()[i], bound)
          << "round " << round << " at " << i << ", " << s.tokens << " tokens, heads " << s.heads()
          << "/" << s.spec.kv_heads << " of " << s.spec.key_dim;
    }
  }
}

TEST_P(CpuAttention, ChunksDoNotChangeABit) {
  Rng rng(12);
  for (int round = 0; round < 30; ++round) {
    Scene s = random_scene(rng, round % 10 == 0 ? 600 : 80);
    Rows expected = whole(*backend_, s, args_of(s));
    // As in life: a chunk is stored, then attends; what comes later is not there yet.
    Cache cache(*backend_, s.spec);
    cache.poison();
    const Table table = random_table(rng, s.spec, s.tokens / 16 + 1);
    for (int64_t begin = 0; begin < s.tokens;) {
      const int64_t most = rng.below(2) == 0 ? 3 : 200;
      const auto rows = 1 + static_cast<int64_t>(rng.below(static_cast<uint64_t>(most)));
      const int64_t end = std::min(s.tokens, begin + rows);
      cache.store(table, begin, part(s.k, begin, end), part(s.v, begin, end));
      Rows actual = cache.attend(table, begin, part(s.q, begin, end), args_of(s));
      ASSERT_EQ(actual.values(), part(expected, begin, end).values())
          << "round " << round << ", rows " << begin << " to " << end;
      begin = end;
    }
  }
}

TEST_P(CpuAttention, StrangersInTheBatchDoNotChangeABit) {
  Rng rng(13);
  for (int round = 0; round < 12; ++round) {
    Scene s = random_scene(rng, 200);
    Rows expected = whole(*backend_, s, args_of(s));
    Cache cache(*backend_, s.spec);
    cache.poison();
    const Table all = random_table(rng, s.spec, s.spec.blocks);
    const auto half = static_cast<std::ptrdiff_t>(all.size() / 2);
    const Table mine(all.begin(), all.begin() + half), other(all.begin() + half, all.end());
    // The stranger's rows come first in the batch; its numbers are wild.
    const int64_t guest = 1 + static_cast<int64_t>(rng.below(40)) % s.tokens;
    Rows q = random_rows(rng, guest + s.tokens, s.q.matrix().cols, 1e3f);
    Rows k = random_rows(rng, guest + s.tokens, s.k.matrix().cols, 1e3f);
    Rows v = random_rows(rng, guest + s.tokens, s.v.matrix().cols, 1e3f);
    for (auto [to, from] : {std::pair(&q, &s.q), std::pair(&k, &s.k), std::pair(&v, &s.v)}) {
      std::copy(from->values().begin(), from->values().end(),
                to->values().begin() + guest * from->matrix().cols);
    }
    const SequenceSlice slices[] = {{0, guest, 0, other}, {guest, s.tokens, 0, mine}};
    backend_->store_kv({k.matrix(), v.matrix(), &cache.pool(), slices});
    AttentionArgs args = args_of(s);
    Rows out(guest + s.tokens, s.heads() * s.spec.value_dim);
    args.q = q.matrix();
    args.out = out.matrix();
    args.pool = &cache.pool();
    args.slices = slices;
    backend_->attention(args);
    ASSERT_EQ(part(out, guest, guest + s.tokens).values(), expected.values()) << round;
  }
}

TEST_P(CpuAttention, EveryLevelAndTeamGivesTheSameBits) {
  const auto plain = make_backend("scalar/1");
  Rng rng(14);
  for (int round = 0; round < 12; ++round) {
    Scene s = random_scene(rng, 100);
    AttentionArgs args = args_of(s);
    args.causal = rng.below(4) != 0;
    ASSERT_EQ(whole(*backend_, s, args).values(), whole(*plain, s, args).values()) << round;
  }
}

// One row with a long past: with a team, the partitions become tasks of their own, and with values
// this wide their sums are combined in several rounds.
TEST_P(CpuAttention, ALongPastIsSplitAmongThreadsWithoutChangingABit) {
  const int64_t tokens = 15 * 1024 + 5, kv_heads = 5;
  const KvSpec spec = {tokens / 16 + 1, kv_heads, 4, 256, DType::kF16, DType::kF16};
  const auto alone = make_backend(GetParam().substr(0, GetParam().find('/')) + "/1");
  Table table;
  for (int32_t b = 0; b < spec.blocks; ++b)
    table.push_back(static_cast<int32_t>(spec.blocks) - 1 - b);
  std::vector<std::vector<float>> results;
  for (Backend* backend : {backend_.get(), alone.get()}) {
    Rng rng(15);
    Cache cache(*backend, spec);
    // The keys make each partition another one; random values for all would take longest here.
    const Rows v = random_rows(rng, 100, kv_heads * 256);
    for (int64_t t = 0; t < tokens; t += 100) {
      const int64_t n = std::min<int64_t>(100, tokens - t);
      Rows values = v;
      cache.store(table, t, random_rows(rng, n, kv_heads * 4), part(values, 0, n));
    }
    Rows out = cache.attend(table, tokens - 2, random_rows(rng, 2, kv_heads * 8), heads(10));
    results.push_back(out.values());
  }
  EXPECT_EQ(results[0], results[1]);
}

// One token's attention is its value: what the store rounded to shows bit by bit, at every place in
// a block and for blocks stored at once and token by token.
TEST_P(CpuAttention, QuantisedValuesAreThoseOfTheReference) {
  Rng rng(17);
  for (const DType type : {DType::kQ8_0, DType::kQ4_0}) {
    for (const int64_t step : {1, 5, 16}) {
      const KvSpec spec = {2, 2, 32, 64, type, type};
      Cache cache(*backend_, spec), expected(*reference_, spec);
      Rows k = random_rows(rng, 32, 64), v = random_rows(rng, 32, 128);
      for (int64_t c = 0; c < 32; ++c) v.matrix().row(3)[c] = 0;      // no scale to find
      for (int64_t c = 0; c < 32; ++c) v.matrix().row(9)[c] = 1e-7f;  // a subnormal one
      v.matrix().row(20)[7] = 1e6f;                                   // one beyond halves
      AttentionArgs args = heads(2);
      args.window = 1;
      for (int64_t t = 0; t < 32; t += step) {
        const int64_t end = std::min<int64_t>(32, t + step);
        cache.store({1, 0}, t, part(k, t, end), part(v, t, end));
      }
      expected.store({0, 1}, 0, k, v);
      const Rows q(32, 64);
      EXPECT_EQ(cache.attend({1, 0}, 0, q, args).values(),
                expected.attend({0, 1}, 0, q, args).values())
          << dtype_info(type).name << " stored by " << step;
    }
  }
}

// Rounding a query to bytes moves each dimension by up to half a step, a 127th of the largest of
// its group: as good as noise of step / sqrt(12), so a score by noise of sqrt(dimensions) times
// that.
TEST_P(CpuAttention, RoundingQueriesStaysWithinItsBound) {
  Rng rng(18);
  const KvSpec spec = {4, 1, 64, 32, DType::kQ8_0, DType::kQ8_0};
  Cache cache(*backend_, spec), expected(*reference_, spec);
  const Table table = {0, 1, 2, 3};
  Rows k = random_rows(rng, 64, 64), v = random_rows(rng, 64, 32), q = random_rows(rng, 8, 64);
  for (Cache* to : {&cache, &expected}) to->store(table, 0, k, v);
  const AttentionArgs args = heads(1, 0.125f);
  Rows actual = cache.attend(table, 56, q, args), exact = expected.attend(table, 56, q, args);
  const double step = largest(q.values()) / 127;
  const double sigma = 0.125 * std::sqrt(64.0) * step / std::sqrt(12.0);
  // A weight moves by its own score's factor and the sum's; no score by more than 5 sigma.
  const double bound = largest(v.values()) * std::expm1(2 * 5 * sigma);
  for (size_t i = 0; i < exact.values().size(); ++i) {
    ASSERT_NEAR(actual.values()[i], exact.values()[i], bound);
  }
  EXPECT_NE(actual.values(), exact.values()) << "queries of this type are rounded";
}

TEST_P(CpuAttention, HeadsThatAreNoWholeBlocksAreRefused) {
  for (Backend* backend : {backend_.get(), reference_.get()}) {
    const auto pool = backend->allocate_kv({4, 1, 64, 80, DType::kF16, DType::kQ8_0});
    ASSERT_FALSE(pool);
    EXPECT_EQ(pool.error().code, ErrorCode::kUnsupported);
    EXPECT_EQ(pool.error().param, "type_v");
    EXPECT_NE(pool.error().message.find("80"), std::string::npos) << pool.error().message;
  }
}

// A row whose own numbers are broken must not break its neighbours.
TEST_P(CpuAttention, NanStaysInItsOwnRows) {
  Rng rng(16);
  for (int64_t bad : {0, 5, 40}) {
    Scene s = random_scene(rng, 1);
    s.spec = {8, 1, 20, 12, DType::kF32, DType::kF32};
    s.tokens = 50;
    s.share = 1;
    s.args = heads(1, 0.3f);
    s.sinks.clear();
    s.q = random_rows(rng, 50, 20);
    s.k = random_rows(rng, 50, 20);
    s.v = random_rows(rng, 50, 12);
    Rows clean = whole(*backend_, s, s.args);
    for (int64_t c = 0; c < 12; ++c) s.v.matrix().row(bad)[c] = NAN;
    Rows broken = whole(*backend_, s, s.args);
    EXPECT_EQ(part(broken, 0, bad).values(), part(clean, 0, bad).values()) << "before row " << bad;
    EXPECT_TRUE(std::isnan(broken.at(bad, 0))) << "a broken value must not go unseen";
  }
}

}  // namespace
}  // namespace chasqui::backend::testing
