#include <fmt/format.h>

#include <memory>
#include <numeric>

#include "backend/backend.h"
#include "backend/cpu/cpu_backend.h"
#include "base/check.h"
#include "base/rng.h"
#include "guards/guard.h"
#include "quant/quant_type.h"

namespace chasqui::guards {
namespace {

using namespace backend;

// Valgrind knows no AVX-512 and hides it.
constexpr std::string_view kLevels[] = {"scalar", "avx2"};

// One of each kernel.
constexpr DType kTypes[] = {
    DType::kF32,    DType::kF16,     DType::kBF16,  DType::kQ8_0,  DType::kQ4_0,  DType::kQ4_1,
    DType::kQ5_0,   DType::kQ5_1,    DType::kQ4_K,  DType::kQ5_K,  DType::kQ6_K,  DType::kIQ4_NL,
    DType::kIQ4_XS, DType::kMXFP4,   DType::kNVFP4, DType::kQ2_K,  DType::kQ3_K,  DType::kIQ3_XXS,
    DType::kIQ3_S,  DType::kIQ2_XXS, DType::kIQ2_S, DType::kIQ1_S, DType::kIQ1_M, DType::kTQ2_0,
    DType::kQ2_0,   DType::kQ1_0};

std::vector<float> random_floats(int64_t count, double scale) {
  Rng rng(1);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = static_cast<float>(rng.normal() * scale);
  return values;
}

// One matrix and what it takes to multiply by it.
struct Product {
  static constexpr int64_t kRows = 64;
  static constexpr int64_t kCols = 512;

  Product(std::shared_ptr<Backend> owner, DType type, int64_t count)
      : backend(std::move(owner)),
        x(random_floats(count * kCols, 1)),
        y(static_cast<size_t>(count * kRows)),
        tokens(count) {
    // One row is encoded and repeated: encoders are slow.
    const std::vector<float> values = random_floats(kCols, 0.02);
    const DTypeInfo& info = dtype_info(type);
    const int64_t blocks = kCols / static_cast<int64_t>(info.block_values);
    std::vector<std::byte> row(static_cast<size_t>(blocks) * info.block_bytes);
    if (const auto encode = quant::find_quant_type(type)->encode; encode != nullptr) {
      encode(values.data(), nullptr, row.data(), blocks);
    } else {  // any bits: the work does not depend on them
      Rng rng(2);
      for (std::byte& byte : row) byte = static_cast<std::byte>(rng.next());
    }
    for (int64_t r = 0; r < kRows; ++r) bytes.insert(bytes.end(), row.begin(), row.end());
    auto prepared = backend->prepare({type, {kCols, kRows, 1, 1}, bytes}, WeightUse::kMatrix, "w");
    CHASQUI_CHECK(prepared.has_value(), "{}", prepared.error().message);
    weight = std::move(*prepared);
  }

  void multiply() {
    const LinearTarget target = {weight.get(), nullptr, dense(y.data(), tokens, kRows)};
    backend->linear({dense(x.data(), tokens, kCols), {&target, 1}});
  }

  std::shared_ptr<Backend> backend;
  std::vector<float> x;
  std::vector<float> y;
  int64_t tokens;
  std::vector<std::byte> bytes;
  std::unique_ptr<Weight> weight;
};

// One sequence in a cache of its own.
struct Attention {
  static constexpr int64_t kHeads = 8;
  static constexpr int64_t kKvHeads = 2;
  static constexpr int64_t kDim = 64;
  static constexpr int64_t kContext = 256;

  Attention(std::shared_ptr<Backend> owner, int64_t count)
      : backend(std::move(owner)),
        table(kContext / kKvBlockTokens),
        q(random_floats(count * kHeads * kDim, 1)),
        out(q.size()),
        rows(count) {
    std::iota(table.begin(), table.end(), 0);
    auto allocated = backend->allocate_kv({kContext / kKvBlockTokens, kKvHeads, kDim, kDim});
    CHASQUI_CHECK(allocated.has_value(), "{}", allocated.error().message);
    pool = std::move(*allocated);
    std::vector<float> kv = random_floats(kContext * kKvHeads * kDim, 1);
    const Matrix values = dense(kv.data(), kContext, kKvHeads * kDim);
    const SequenceSlice slice = {0, kContext, 0, table};
    backend->store_kv({values, values, pool.get(), {&slice, 1}});
  }

  void attend() {
    const SequenceSlice slice = {0, rows, kContext - rows, table};
    AttentionArgs args;
    args.q = dense(q.data(), rows, kHeads * kDim);
    args.out = dense(out.data(), rows, kHeads * kDim);
    args.pool = pool.get();
    args.slices = {&slice, 1};
    args.heads = kHeads;
    args.scale = 0.125f;
    backend->attention(args);
  }

  std::shared_ptr<Backend> backend;
  std::vector<int32_t> table;
  std::vector<float> q;
  std::vector<float> out;
  int64_t rows;
  std::unique_ptr<KvPool> pool;
};

void add_product(const std::shared_ptr<Backend>& backend, std::string_view level, DType type,
                 std::vector<Guard>& guards) {
  for (const int64_t tokens : {1, 32}) {
    auto product = std::make_shared<Product>(backend, type, tokens);
    guards.push_back({fmt::format("linear {} {} {}", dtype_info(type).name, tokens, level), "MAC",
                      static_cast<double>(tokens * Product::kRows * Product::kCols),
                      [product] { product->multiply(); }});
  }
}

void add_attention(const std::shared_ptr<Backend>& backend, std::string_view level,
                   std::vector<Guard>& guards) {
  for (const int64_t rows : {1, 32}) {
    auto attention = std::make_shared<Attention>(backend, rows);
    // A product with a key and one with a value, for each cached token, row and head.
    const int64_t macs = 2 * rows * Attention::kHeads * Attention::kDim * Attention::kContext;
    guards.push_back({fmt::format("attention f16 {} {}", rows, level), "MAC",
                      static_cast<double>(macs), [attention] { attention->attend(); }});
  }
}

}  // namespace

std::vector<Guard> kernel_guards() {
  std::vector<Guard> guards;
  for (const std::string_view level : kLevels) {
    auto made = cpu::make_cpu_backend({.threads = 1, .isa = std::string(level)});
    if (!made) continue;  // run.py misses them and says so
    const std::shared_ptr<Backend> backend = std::move(*made);
    for (const DType type : kTypes) add_product(backend, level, type, guards);
    add_attention(backend, level, guards);
  }
  return guards;
}

}  // namespace chasqui::guards
