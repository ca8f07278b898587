#include "backend/cpu/attention_plan.h"

#include <algorithm>

#include "base/checked_math.h"

namespace chasqui::backend::cpu {

AttentionShape::AttentionShape(const AttentionArgs& op)
    : args(op),
      pool(cpu_pool(op.pool)),
      share(op.heads / pool.spec().kv_heads),
      key_dim(pool.spec().key_dim),
      value_dim(pool.spec().value_dim),
      value_padded(pool.geometry().value_padded) {}

TokenRange AttentionShape::seen(const SequenceSlice& slice, int64_t query) const {
  const int64_t position = slice.kv_begin + query / share;
  TokenRange range = {0, args.causal ? position + 1 : slice.kv_begin + slice.row_count};
  if (args.window > 0) {
    range.begin = std::max<int64_t>(0, position - args.window + 1);
    range.end = std::min(range.end, position + args.window);
  }
  return range;
}

const float* AttentionShape::query(const SequenceSlice& slice, int64_t kv_head,
                                   int64_t query) const {
  return args.q.row(slice.row_begin + query / share) + (kv_head * share + query % share) * key_dim;
}

float* AttentionShape::output(const SequenceSlice& slice, int64_t kv_head, int64_t query) const {
  return args.out.row(slice.row_begin + query / share) +
         (kv_head * share + query % share) * value_dim;
}

int64_t AttentionShape::groups_of(const SequenceSlice& slice) const {
  return ceil_div(slice.row_count * share, kGroupQueries);
}

QueryGroup AttentionShape::group(const SequenceSlice& slice, int64_t kv_head, int64_t index) const {
  const int64_t first = index * kGroupQueries;
  const int64_t count = std::min(kGroupQueries, slice.row_count * share - first);
  // Both ends of the range grow with the row.
  const TokenRange seen = {this->seen(slice, first).begin,
                           this->seen(slice, first + count - 1).end};
  return {&slice, kv_head, first, count, seen};
}

AttentionSums Carver::take_sums(int64_t queries, int64_t value_padded) {
  AttentionSums sums;
  sums.max = take<float>(queries);
  sums.sum = take<float>(queries);
  sums.acc = take<float>(queries * value_padded);
  return sums;
}

AttentionWorkspace::AttentionWorkspace(const AttentionShape& shape, Carver& carver)
    : q(carver.take<float>(kGroupQueries * shape.key_dim)),
      rows(carver.take<const float*>(kGroupQueries)),
      scores(carver.take<float>(int64_t{kMaxTileQueries} * kScoreStride)),
      scaled(carver.take<float>(int64_t{kMaxTileQueries} * kScoreStride)),
      blocks(carver.take<const uint8_t*>(2 * kPartitionBlocks)),
      begin(carver.take<int32_t>(kMaxTileQueries)),
      end(carver.take<int32_t>(kMaxTileQueries)),
      tile(carver.take_sums(kMaxTileQueries, shape.value_padded)),
      group(carver.take_sums(kGroupQueries, shape.value_padded)) {}

}  // namespace chasqui::backend::cpu
