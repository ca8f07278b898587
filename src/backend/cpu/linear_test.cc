// linear and expert_linear against decoded weights in double precision, for every tensor type, on
// every instruction-set level of this machine; and bit for bit against themselves.
//
// Tolerances come from an error model, not from trying: an activation is off by at most half a
// step of its group (largest magnitude / 254), and a float sum of n products by about n units in
// the last place of the sum of magnitudes.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "backend/cpu/cpu_backend.h"
#include "backend/cpu/pack.h"
#include "base/rng.h"
#include "quant/quant_type.h"

namespace chasqui::backend::cpu {
namespace {

// A matrix, or a stack of them, with its decoded values.
struct TestMatrix {
  DType type;
  int64_t rows, cols, experts;
  std::vector<std::byte> bytes;
  std::vector<float> values;

  TensorView view() const { return {type, {cols, rows, experts, 1}, bytes}; }
};

bool reasonable(std::span<const float> values) {
  float largest = 0;
  for (float v : values) largest = std::isfinite(v) ? std::max(largest, std::fabs(v)) : 1e9f;
  return largest < 100.0f && largest > 1e-3f;
}

// Random bits that decode to numbers of ordinary size: every bit of the layout takes part, which
// encoded data would not guarantee.
void random_block(Rng& rng, DType type, std::byte* block, std::span<float> values) {
  const DTypeInfo& info = dtype_info(type);
  for (int attempt = 0; attempt < 100000; ++attempt) {
    for (uint32_t i = 0; i < info.block_bytes; ++i) block[i] = static_cast<std::byte>(rng.next());
    quant::decode_row(type, block, values);
    if (reasonable(values)) return;
  }
  FAIL() << "no reasonable block of " << info.name;
}

TestMatrix random_matrix(DType type, int64_t rows, int64_t cols, int64_t experts = 1,
                         uint64_t seed = 1) {
  const DTypeInfo& info = dtype_info(type);
  TestMatrix m{type, rows, cols, experts, {}, {}};
  const int64_t blocks = rows * cols * experts / info.block_values;
  m.bytes.resize(static_cast<size_t>(blocks * info.block_bytes));
  m.values.resize(static_cast<size_t>(rows * cols * experts));
  Rng rng(seed * 1000 + static_cast<uint64_t>(type));
  for (int64_t b = 0; b < blocks; ++b) {
    random_block(rng, type, m.bytes.data() + b * info.block_bytes,
                 {m.values.data() + b * info.block_values, info.block_values});
  }
  return m;
}

std::vector<float> random_rows(int64_t rows, int64_t cols, uint64_t seed = 7) {
  std::vector<float> x(static_cast<size_t>(rows * cols));
  Rng rng(seed);
  for (float& v : x) v = static_cast<float>(rng.normal());
  return x;
}

// Whole numbers with 127 in every group: the quantiser reproduces them, scale 1.
std::vector<float> whole_rows(int64_t rows, int64_t cols) {
  std::vector<float> x(static_cast<size_t>(rows * cols));
  Rng rng(11);
  for (size_t i = 0; i < x.size(); ++i) {
    x[i] = static_cast<float>(static_cast<int>(rng.below(255)) - 127);
    if (i % 32 == 5) x[i] = 127;
  }
  return x;
}

std::unique_ptr<Backend> make(std::string isa, int threads = 1, bool pack = true,
                              bool exact = false) {
  CpuOptions options;
  options.isa = std::move(isa);
  options.threads = threads;
  options.pack_weights = pack;
  options.exact = exact;
  auto backend = make_cpu_backend(options);
  EXPECT_TRUE(backend) << backend.error().message;
  return std::move(*backend);
}

std::vector<std::string> levels() {
  std::vector<std::string> names;
  for (const IsaLevel& level : isa_levels()) {
    if (level.supported) names.emplace_back(level.name);
  }
  return names;
}

std::vector<float> product(Backend& backend, const TestMatrix& m, std::vector<float>& x,
                           const float* bias = nullptr) {
  auto weight = backend.prepare(m.view(), WeightUse::kMatrix, "test.weight");
  EXPECT_TRUE(weight) << weight.error().message;
  const int64_t rows = static_cast<int64_t>(x.size()) / m.cols;
  std::vector<float> y(static_cast<size_t>(rows * m.rows), NAN);
  const LinearTarget target = {weight->get(), bias, dense(y.data(), rows, m.rows)};
  backend.linear({dense(x.data(), rows, m.cols), {&target, 1}});
  return y;
}

struct Bound {
  double value;
  double tolerance;
};

// Row r of the matrix times x, and how far an implementation may be from it.
Bound expected(const TestMatrix& m, int64_t r, const float* x, bool quantized_x) {
  double value = 0, magnitude = 0, tolerance = 0;
  for (int64_t k = 0; k < m.cols; ++k) {
    const double w = m.values[static_cast<size_t>(r * m.cols + k)];
    value += w * x[k];
    magnitude += std::fabs(w * x[k]);
    if (!quantized_x) continue;
    float largest = 0;
    for (int64_t i = k / 32 * 32; i < k / 32 * 32 + 32; ++i) {
      largest = std::max(largest, std::fabs(x[i]));
    }
    // Formats with minima or an offset sum numbers above the values themselves: 16 covers them.
    magnitude += 16 * std::fabs(w) * largest * 0x1.0p-4;
    tolerance += std::fabs(w) * largest / 254.0;
  }
  return {value, tolerance * 1.001 + magnitude * static_cast<double>(m.cols) * 0x1.0p-23 + 1e-30};
}

void expect_close(const TestMatrix& m, const std::vector<float>& x, const std::vector<float>& y,
                  bool quantized_x, const std::string& what) {
  const int64_t rows = static_cast<int64_t>(x.size()) / m.cols;
  for (int64_t t = 0; t < rows; ++t) {
    for (int64_t r = 0; r < m.rows; ++r) {
      const Bound want = expected(m, r, x.data() + t * m.cols, quantized_x);
      const float got = y[static_cast<size_t>(t * m.rows + r)];
      ASSERT_NEAR(got, want.value, want.tolerance)
          << what << ", row " << t << ", output " << r << " of " << m.rows;
    }
  }
}

bool is_float_type(DType type) {
  return type == DType::kF32 || type == DType::kF16 || type == DType::kBF16;
}

std::vector<DType> types() {
  std::vector<DType> all;
  for (const quant::QuantType& row : quant::all_quant_types()) all.push_back(row.type);
  return all;
}

std::string name_of(DType type) {
  return std::string(dtype_info(type).name);
}

class LinearTypes : public testing::TestWithParam<DType> {
 protected:
  const DType type_ = GetParam();
  const bool quantized_x_ = can_pack(type_) && !is_float_type(type_);
  const int64_t block_ = std::max<int64_t>(dtype_info(type_).block_values, 32);
};
INSTANTIATE_TEST_SUITE_P(Types, LinearTypes, testing::ValuesIn(types()),
                         [](const auto& type) { return name_of(type.param); });

TEST_P(LinearTypes, MatchesDecodedWeights) {
  // Output counts around the panel width; columns of one block, and of tiles that end early.
  for (const auto& [rows, blocks] : {std::pair<int64_t, int64_t>{1, 1}, {16, 2}, {37, 3}}) {
    const TestMatrix m = random_matrix(type_, rows, blocks * block_);
    for (const std::string& isa : levels()) {
      auto backend = make(isa);
      for (int64_t tokens : {1, 2, 3, 7, 8, 9, 17}) {
        auto x = random_rows(tokens, m.cols);
        const auto y = product(*backend, m, x);
        expect_close(m, x, y, quantized_x_, isa + ", tokens " + std::to_string(tokens));
      }
    }
  }
}

TEST_P(LinearTypes, IsExactWhereTheQuantiserIs) {
  const TestMatrix m = random_matrix(type_, 37, 9 * block_);
  auto backend = make("");
  for (int64_t tokens : {1, 8, 13}) {
    auto x = whole_rows(tokens, m.cols);
    expect_close(m, x, product(*backend, m, x), false, std::to_string(tokens));
  }
}

TEST_P(LinearTypes, LevelsAndThreadsGiveTheSameBits) {
  const TestMatrix m = random_matrix(type_, 37, 3 * block_);
  for (int64_t tokens : {1, 5, 11}) {
    auto x = random_rows(tokens, m.cols);
    auto scalar = make("scalar");
    const auto want = product(*scalar, m, x);
    for (const std::string& isa : levels()) {
      for (int threads : {1, 3}) {
        auto backend = make(isa, threads);
        ASSERT_EQ(product(*backend, m, x), want) << isa << ", threads " << threads;
      }
    }
  }
}

TEST_P(LinearTypes, ARowDoesNotDependOnItsCompany) {
  const TestMatrix m = random_matrix(type_, 37, 3 * block_);
  auto backend = make("");
  const int64_t most = 66;
  auto x = random_rows(most, m.cols);
  const auto together = product(*backend, m, x);
  for (int64_t tokens : {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15, 16, 17, 23, 24, 25}) {
    for (int64_t from : {int64_t{0}, int64_t{41}}) {
      std::vector<float> part(x.begin() + from * m.cols, x.begin() + (from + tokens) * m.cols);
      const auto y = product(*backend, m, part);
      ASSERT_EQ(0, std::memcmp(y.data(), together.data() + from * m.rows, y.size() * sizeof(float)))
          << tokens << " rows from " << from;
    }
  }
}

TEST_P(LinearTypes, ExactAndUnpackedComputeWithDecodedWeights) {
  const TestMatrix m = random_matrix(type_, 21, 2 * block_);
  auto x = random_rows(10, m.cols);
  for (const bool exact : {true, false}) {
    auto backend = make("", 2, false, exact);
    expect_close(m, x, product(*backend, m, x), false, exact ? "exact" : "unpacked");
  }
}

void expect_close_for_tokens(const TestMatrix& m, const std::string& isa, const std::string& what) {
  auto backend = make(isa);
  for (int64_t tokens : {1, 2, 3, 6, 15}) {
    auto x = random_rows(tokens, m.cols);
    expect_close(m, x, product(*backend, m, x), false, what);
  }
}

TEST(Linear, OddColumnsOfFloatTypes) {
  for (DType type : {DType::kF32, DType::kF16, DType::kBF16}) {
    for (int64_t cols : {1, 7, 129, 300}) {
      const TestMatrix m = random_matrix(type, 19, cols);
      for (const std::string& isa : levels()) {
        expect_close_for_tokens(m, isa, name_of(type) + " " + isa);
      }
    }
  }
}

TEST(Linear, MoreRowsThanAGroup) {
  const TestMatrix m = random_matrix(DType::kQ4_K, 33, 512);
  auto backend = make("", 2);
  auto x = random_rows(500, m.cols);
  const auto all = product(*backend, m, x);
  std::vector<float> last(x.end() - 3 * m.cols, x.end());
  const auto alone = product(*backend, m, last);
  EXPECT_TRUE(std::equal(alone.begin(), alone.end(), all.end() - 3 * m.rows));
}

TEST(Linear, BiasIsAdded) {
  for (DType type : {DType::kF16, DType::kQ8_0, DType::kIQ4_NL}) {
    const TestMatrix m = random_matrix(type, 37, 64);
    const auto bias = random_rows(1, m.rows, 3);
    auto backend = make("", 2);
    for (int64_t tokens : {2, 20}) {
      auto x = random_rows(tokens, m.cols);
      const auto plain = product(*backend, m, x);
      const auto biased = product(*backend, m, x, bias.data());
      for (size_t i = 0; i < plain.size(); ++i) {
        ASSERT_EQ(biased[i], plain[i] + bias[i % bias.size()]) << name_of(type) << " " << i;
      }
    }
  }
}

TEST(Linear, SeveralTargetsShareX) {
  const TestMatrix a = random_matrix(DType::kQ4_K, 48, 512);
  const TestMatrix b = random_matrix(DType::kQ6_K, 20, 512);
  const TestMatrix c = random_matrix(DType::kF16, 7, 512);
  auto backend = make("", 2);
  auto x = random_rows(9, 512);
  std::vector<std::unique_ptr<Weight>> weights;
  std::vector<std::vector<float>> y;
  std::vector<LinearTarget> targets;
  for (const TestMatrix* m : {&a, &b, &c}) {
    weights.push_back(std::move(*backend->prepare(m->view(), WeightUse::kMatrix, "w")));
    y.emplace_back(static_cast<size_t>(9 * m->rows));
  }
  for (size_t i = 0; i < 3; ++i) {
    targets.push_back({weights[i].get(), nullptr, dense(y[i].data(), 9, weights[i]->rows())});
  }
  backend->linear({dense(x.data(), 9, 512), targets});
  EXPECT_EQ(y[0], product(*backend, a, x));
  EXPECT_EQ(y[1], product(*backend, b, x));
  EXPECT_EQ(y[2], product(*backend, c, x));
}

// Random blocks of ordinary size have few of the scales that a byte can hold. One row a byte; sums
// of integers times one scale are exact, down to subnormal numbers.
TEST(Linear, EveryScaleByteOfTheFourBitFloats) {
  struct Case {
    DType type;
    int codes;      // scale bytes 0 .. codes - 1 give finite products
    size_t scales;  // bytes at the start of a block
  };
  for (const Case& c : {Case{DType::kMXFP4, 240, 1}, Case{DType::kNVFP4, 256, 4}}) {
    TestMatrix m = random_matrix(c.type, c.codes, dtype_info(c.type).block_values);
    for (size_t r = 0; r < static_cast<size_t>(c.codes); ++r) {
      std::byte* block = m.bytes.data() + r * dtype_info(c.type).block_bytes;
      std::fill(block, block + c.scales, static_cast<std::byte>(r));
    }
    quant::decode_row(c.type, m.bytes.data(), m.values);
    auto x = whole_rows(1, m.cols);
    for (const std::string& isa : levels()) {
      auto backend = make(isa);
      const auto y = product(*backend, m, x);
      for (int64_t r = 0; r < m.rows; ++r) {
        const double want = expected(m, r, x.data(), false).value;
        ASSERT_EQ(y[static_cast<size_t>(r)], static_cast<float>(want))
            << name_of(c.type) << " on " << isa << ", scale byte " << r;
      }
    }
  }
}

TEST(Linear, NotANumberStaysVisible) {
  const TestMatrix m = random_matrix(DType::kQ4_0, 16, 64);
  for (const float bad : {std::nanf(""), INFINITY}) {
    auto backend = make("");
    auto x = random_rows(2, m.cols);
    const auto before = product(*backend, m, x);
    x[3] = bad;
    const auto y = product(*backend, m, x);
    for (size_t r = 0; r < 16; ++r) {
      EXPECT_TRUE(std::isnan(y[r])) << r;
      EXPECT_EQ(y[16 + r], before[16 + r]) << "the other row";
    }
  }
}

// Slots of an expert, alone and in company, equal the rows of linear on that expert's matrix.
TEST(ExpertLinear, EqualsLinearOfEachExpert) {
  for (DType type : {DType::kQ4_K, DType::kQ6_K, DType::kF32, DType::kMXFP4, DType::kNVFP4}) {
    const int64_t experts = 5, tokens = 13, used = 2, cols = 256;
    const TestMatrix m = random_matrix(type, 24, cols, experts);
    const auto bias = random_rows(experts, m.rows, 5);
    auto backend = make("", 2);
    auto weight = std::move(*backend->prepare(m.view(), WeightUse::kMatrix, "experts"));
    for (const bool row_per_slot : {false, true}) {
      auto x = random_rows(row_per_slot ? tokens * used : tokens, cols);
      std::vector<int32_t> ids;
      Rng rng(9);
      for (int64_t s = 0; s < tokens * used; ++s) {
        ids.push_back(s < 10 ? 3 : static_cast<int32_t>(rng.below(experts)));
      }
      std::vector<float> y(static_cast<size_t>(tokens * used * m.rows), NAN);
      const ExpertTarget target = {weight.get(), bias.data(),
                                   dense(y.data(), tokens * used, m.rows)};
      const Matrix rows = dense(x.data(), row_per_slot ? tokens * used : tokens, cols);
      backend->expert_linear({rows, {&target, 1}, tokens, used, ids.data()});
      const size_t matrix_bytes = m.bytes.size() / static_cast<size_t>(experts);
      for (int64_t s = 0; s < tokens * used; ++s) {
        const auto e = static_cast<size_t>(ids[static_cast<size_t>(s)]);
        TestMatrix one{type, m.rows, cols, 1, {}, {}};
        one.bytes.assign(m.bytes.begin() + static_cast<int64_t>(e * matrix_bytes),
                         m.bytes.begin() + static_cast<int64_t>((e + 1) * matrix_bytes));
        const float* row = rows.row(row_per_slot ? s : s / used);
        std::vector<float> input(row, row + cols);
        const auto want =
            product(*backend, one, input, bias.data() + e * static_cast<size_t>(m.rows));
        ASSERT_EQ(0, std::memcmp(want.data(), y.data() + s * m.rows, want.size() * sizeof(float)))
            << name_of(type) << ", slot " << s;
      }
    }
  }
}

TEST(Prepare, BytesThatDoNotFitAreRefused) {
  TestMatrix m = random_matrix(DType::kQ4_0, 4, 64);
  auto backend = make("");
  m.bytes.pop_back();
  auto weight = backend->prepare(m.view(), WeightUse::kMatrix, "blk.0.broken");
  ASSERT_FALSE(weight);
  EXPECT_EQ(weight.error().code, ErrorCode::kCorrupt);
  EXPECT_NE(weight.error().message.find("blk.0.broken"), std::string::npos);
  m.cols = 33;
  EXPECT_FALSE(backend->prepare(m.view(), WeightUse::kMatrix, "w"));
  m.type = DType::kI8;
  EXPECT_EQ(backend->prepare(m.view(), WeightUse::kMatrix, "w").error().code,
            ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace chasqui::backend::cpu
