// How an attention op is divided into tasks, and where its scratch memory lies.
//
// Queries. All query heads that share a KV head are taken together, so that keys and values are
// read once for them: query i of a slice and KV head is head i % share of row i / share. A group is
// up to kGroupQueries neighbouring queries; a task is a group, or one partition of a group when
// there are too few groups to feed the team (one long sequence being decoded).
#pragma once

#include <cstddef>
#include <cstdint>

#include "backend/cpu/attention_kernels.h"
#include "backend/cpu/kv_pool.h"
#include "backend/ops.h"

namespace chasqui::backend::cpu {

// Enough queries to make each partition's trip from memory worth while (64 x 256 x 256
// multiply-adds on 128 KiB), few enough that their sums stay in the second-level cache beside it.
constexpr int64_t kGroupQueries = 64;

struct TokenRange {
  int64_t begin = 0;
  int64_t end = 0;
};

struct QueryGroup {
  const SequenceSlice* slice;
  int64_t kv_head;
  int64_t first;    // query of the slice and KV head
  int64_t count;    // <= kGroupQueries
  TokenRange seen;  // by any query of the group

  int64_t first_partition() const { return seen.begin / kPartitionTokens; }
  int64_t last_partition() const { return (seen.end + kPartitionTokens - 1) / kPartitionTokens; }
};

// The op's arguments with what follows from them.
struct AttentionShape {
  explicit AttentionShape(const AttentionArgs& op);

  // Cache positions that a query of the slice sees.
  TokenRange seen(const SequenceSlice& slice, int64_t query) const;
  const float* query(const SequenceSlice& slice, int64_t kv_head, int64_t query) const;
  float* output(const SequenceSlice& slice, int64_t kv_head, int64_t query) const;
  int64_t groups_of(const SequenceSlice& slice) const;  // for one KV head
  QueryGroup group(const SequenceSlice& slice, int64_t kv_head, int64_t index) const;

  const AttentionArgs& args;
  const CpuKvPool& pool;
  int64_t share;  // query heads of each KV head
  int64_t key_dim;
  int64_t value_dim;
  int64_t value_padded;
};

// Hands out 64-byte aligned pieces of one area; with no area it only adds up their sizes.
class Carver {
 public:
  explicit Carver(std::byte* area = nullptr) : area_(area) {}

  template <typename T>
  T* take(int64_t count) {
    std::byte* at = area_ == nullptr ? nullptr : area_ + used_;
    used_ += (static_cast<size_t>(count) * sizeof(T) + 63) / 64 * 64;
    return reinterpret_cast<T*>(at);
  }
  AttentionSums take_sums(int64_t queries, int64_t value_padded);
  size_t used() const { return used_; }

 private:
  std::byte* area_;
  size_t used_ = 0;
};

// One thread's memory while it works on a task.
struct AttentionWorkspace {
  AttentionWorkspace(const AttentionShape& shape, Carver& carver);

  float* q;                // packed queries of the group, tile after tile
  const float** rows;      // [kGroupQueries]
  float* scores;           // [kMaxTileQueries][kScoreStride]
  float* scaled;           // the same
  const uint8_t** blocks;  // [2 * kPartitionBlocks]: the partition's, the next one's
  int32_t* begin;          // [kMaxTileQueries]
  int32_t* end;            // [kMaxTileQueries]
  AttentionSums tile;      // of one tile and partition
  AttentionSums group;     // of the whole group, when one task does all its partitions
};

}  // namespace chasqui::backend::cpu
