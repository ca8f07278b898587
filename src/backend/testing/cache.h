// A cache pool with sequences in it, for the tests of store_kv and attention.
#pragma once

#include <algorithm>
#include <vector>

#include "backend/testing/op_test.h"

namespace chasqui::backend::testing {

// One sequence: its blocks, in an order of the test's choice.
using Table = std::vector<int32_t>;

class Cache {
 public:
  Cache(Backend& backend, const KvSpec& spec) : backend_(backend) {
    auto pool = backend.allocate_kv(spec);
    EXPECT_TRUE(pool) << pool.error().message;
    pool_ = std::move(*pool);
  }

  KvPool& pool() { return *pool_; }

  // Every bit of every block set: NaN in each cache type.
  void poison() {
    const std::vector<std::byte> ones(static_cast<size_t>(pool_->block_bytes()), std::byte{0xff});
    for (int64_t b = 0; b < pool_->spec().blocks; ++b) {
      pool_->write_block(static_cast<int32_t>(b), ones.data());
    }
  }

  // Stores rows [0, n) of k and v at positions `begin`, begin + 1, ...
  void store(const Table& table, int64_t begin, Rows k, Rows v) {
    const SequenceSlice slice = {0, k.matrix().rows, begin, table};
    backend_.store_kv({k.matrix(), v.matrix(), pool_.get(), {&slice, 1}});
  }

  // Attention of the rows of q at positions begin, ... `args` gives everything else.
  Rows attend(const Table& table, int64_t begin, Rows q, AttentionArgs args) {
    const int64_t rows = q.matrix().rows;
    Rows out(rows, args.heads * pool_->spec().value_dim);
    const SequenceSlice slice = {0, rows, begin, table};
    args.q = q.matrix();
    args.out = out.matrix();
    args.pool = pool_.get();
    args.slices = {&slice, 1};
    backend_.attention(args);
    return out;
  }

 private:
  Backend& backend_;
  std::unique_ptr<KvPool> pool_;
};

inline KvSpec f32_cache(int64_t blocks, int64_t kv_heads, int64_t key_dim, int64_t value_dim) {
  return {blocks, kv_heads, key_dim, value_dim, DType::kF32, DType::kF32};
}

inline AttentionArgs heads(int64_t count, float scale = 1.0f) {
  AttentionArgs args;
  args.heads = count;
  args.scale = scale;
  return args;
}

}  // namespace chasqui::backend::testing
