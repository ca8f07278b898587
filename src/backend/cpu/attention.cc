#include <algorithm>
#include <limits>
#include <span>

#include "backend/cpu/attention_plan.h"
#include "backend/cpu/cpu_ops.h"
#include "backend/op_checks.h"
#include "base/checked_math.h"

namespace chasqui::backend::cpu {
namespace {

// Below this many multiply-adds (about 5 us on one core) handing work to the team costs more than
// it gains.
constexpr int64_t kInlineMacs = 256 * 1024;

// Partial results of split groups are kept up to this size, then combined. One sequence with 128k
// tokens of context and 32 heads of 128 needs as much.
constexpr size_t kPartialBytes = 16u << 20;

AttentionSums from_query(const AttentionSums& sums, int64_t query, int64_t value_padded) {
  return {sums.max + query, sums.sum + query, sums.acc + query * value_padded};
}

void clear(const AttentionSums& sums, int64_t queries) {
  std::fill_n(sums.max, queries, -std::numeric_limits<float>::infinity());
  std::fill_n(sums.sum, queries, 0.0f);
}

// The op in progress: divides it, runs the tasks, combines their results.
class AttentionRun {
 public:
  AttentionRun(CpuContext& context, const AttentionArgs& args)
      : context_(context), kernels_(context.kernels.attention), shape_(args) {}

  void run();

 private:
  void count_work();
  void reserve(bool split);
  void list_groups();

  // One task does all partitions of a group.
  void whole_group(const QueryGroup& group, int thread) const;

  // One task does one partition of a group; `round` of them are combined at a time.
  void run_split();
  void split_task(int64_t task, int64_t done, int thread) const;
  float* packed(int64_t group) const { return packed_ + group * kGroupQueries * shape_.key_dim; }
  AttentionSums sums_of(std::byte* area, int64_t index) const;

  // The sums of a group over one partition, tile by tile: sink(first query, queries, tile's sums).
  template <typename Sink>
  void partition(const QueryGroup& group, int64_t index, const AttentionWorkspace& work,
                 const Sink& sink) const;
  AttentionTile tile(const QueryGroup& group, int64_t partition, int64_t first, int64_t queries,
                     const AttentionWorkspace& work) const;
  AttentionWorkspace workspace(int thread) const;
  int64_t tile_queries(const QueryGroup& group) const;
  void pack(const QueryGroup& group, const AttentionWorkspace& work) const;
  void find_blocks(const QueryGroup& group, int64_t partition,
                   const AttentionWorkspace& work) const;
  void finish(const QueryGroup& group, const AttentionSums& sums) const;

  // Runs fn(task, thread) for all tasks, without waking the team for little work.
  template <typename Fn>
  void for_tasks(int64_t tasks, const Fn& fn) const {
    if (macs_ >= kInlineMacs) return context_.team.run(tasks, fn);
    for (int64_t task = 0; task < tasks; ++task) fn(task, 0);
  }

  CpuContext& context_;
  const AttentionKernels& kernels_;
  const AttentionShape shape_;
  int64_t groups_ = 0;
  int64_t most_partitions_ = 0;  // of any group
  int64_t macs_ = 0;

  // Scratch memory.
  std::span<QueryGroup> list_;
  size_t workspace_bytes_ = 0;
  std::byte* workspaces_ = nullptr;
  int64_t round_ = 0;  // partitions of each group whose partial sums there is place for
  size_t sums_bytes_ = 0;
  std::byte* partials_ = nullptr;  // [groups][round_]
  std::byte* totals_ = nullptr;    // [groups]
  float* packed_ = nullptr;        // [groups]: their queries, packed once for all partitions
};

void AttentionRun::run() {
  count_work();
  if (groups_ == 0) return;
  const int threads = context_.team.size();
  const bool split =
      threads > 1 && groups_ < 2 * threads && most_partitions_ > 1 && macs_ >= kInlineMacs;
  reserve(split);
  list_groups();
  if (split) return run_split();
  // Later rows of a prompt see more: starting with them leaves small tasks for the end.
  for_tasks(groups_, [this](int64_t task, int thread) {
    whole_group(list_[static_cast<size_t>(groups_ - 1 - task)], thread);
  });
}

void AttentionRun::count_work() {
  const int64_t kv_heads = shape_.pool.spec().kv_heads;
  for (const SequenceSlice& slice : shape_.args.slices) {
    const int64_t groups = shape_.groups_of(slice);
    groups_ += groups * kv_heads;
    for (int64_t i = 0; i < groups; ++i) {
      const QueryGroup group = shape_.group(slice, 0, i);
      most_partitions_ =
          std::max(most_partitions_, group.last_partition() - group.first_partition());
      macs_ += group.count * (group.seen.end - group.seen.begin) * kv_heads *
               (shape_.key_dim + shape_.value_dim);
    }
  }
}

void AttentionRun::reserve(bool split) {
  Carver workspace, sums;
  AttentionWorkspace(shape_, workspace);
  sums.take_sums(kGroupQueries, shape_.value_padded);
  workspace_bytes_ = workspace.used();
  sums_bytes_ = sums.used();
  if (split) {
    const auto fit = static_cast<int64_t>(kPartialBytes / sums_bytes_) / groups_;
    round_ = std::clamp<int64_t>(fit, 1, most_partitions_);
  }
  const auto place = [&](Carver carver) {
    list_ = {carver.take<QueryGroup>(groups_), static_cast<size_t>(groups_)};
    workspaces_ =
        carver.take<std::byte>(static_cast<int64_t>(workspace_bytes_) * context_.team.size());
    const auto kept = split ? groups_ : 0;
    packed_ = carver.take<float>(kept * kGroupQueries * shape_.key_dim);
    totals_ = carver.take<std::byte>(static_cast<int64_t>(sums_bytes_) * kept);
    partials_ = carver.take<std::byte>(static_cast<int64_t>(sums_bytes_) * kept * round_);
    return carver.used();
  };
  place(Carver(context_.attention.reserve(place(Carver()))));
}

void AttentionRun::list_groups() {
  size_t at = 0;
  for (const SequenceSlice& slice : shape_.args.slices) {
    for (int64_t i = 0; i < shape_.groups_of(slice); ++i) {
      for (int64_t head = 0; head < shape_.pool.spec().kv_heads; ++head) {
        list_[at++] = shape_.group(slice, head, i);
      }
    }
  }
}

void AttentionRun::whole_group(const QueryGroup& group, int thread) const {
  const AttentionWorkspace work = workspace(thread);
  pack(group, work);
  clear(work.group, group.count);
  for (int64_t p = group.first_partition(); p < group.last_partition(); ++p) {
    partition(group, p, work, [&](int64_t first, int64_t queries, const AttentionSums& part) {
      kernels_.merge(from_query(work.group, first, shape_.value_padded), part, queries,
                     shape_.value_padded);
    });
  }
  finish(group, work.group);
}

void AttentionRun::run_split() {
  for (int64_t g = 0; g < groups_; ++g) {
    clear(sums_of(totals_, g), kGroupQueries);
    AttentionWorkspace work = workspace(0);
    work.q = packed(g);
    pack(list_[static_cast<size_t>(g)], work);
  }
  for (int64_t done = 0; done < most_partitions_; done += round_) {
    // First all partitions of the round, in any order ...
    for_tasks(groups_ * round_, [&](int64_t task, int thread) { split_task(task, done, thread); });
    // ... then their sums, in the order of the partitions.
    for_tasks(groups_, [&](int64_t g, int) {
      for (int64_t p = 0; p < round_; ++p) {
        kernels_.merge(sums_of(totals_, g), sums_of(partials_, g * round_ + p),
                       list_[static_cast<size_t>(g)].count, shape_.value_padded);
      }
    });
  }
  for (int64_t g = 0; g < groups_; ++g) finish(list_[static_cast<size_t>(g)], sums_of(totals_, g));
}

void AttentionRun::split_task(int64_t task, int64_t done, int thread) const {
  const QueryGroup& group = list_[static_cast<size_t>(task / round_)];
  const int64_t p = group.first_partition() + done + task % round_;
  const AttentionSums to = sums_of(partials_, task);
  clear(to, group.count);
  if (p >= group.last_partition()) return;
  AttentionWorkspace work = workspace(thread);
  work.q = packed(task / round_);
  partition(group, p, work, [&](int64_t first, int64_t queries, const AttentionSums& part) {
    kernels_.merge(from_query(to, first, shape_.value_padded), part, queries, shape_.value_padded);
  });
}

AttentionSums AttentionRun::sums_of(std::byte* area, int64_t index) const {
  Carver carver(area + static_cast<size_t>(index) * sums_bytes_);
  return carver.take_sums(kGroupQueries, shape_.value_padded);
}

AttentionWorkspace AttentionRun::workspace(int thread) const {
  Carver carver(workspaces_ + static_cast<size_t>(thread) * workspace_bytes_);
  return AttentionWorkspace(shape_, carver);
}

// As few tiles as the level allows, of sizes as equal as can be.
int64_t AttentionRun::tile_queries(const QueryGroup& group) const {
  return ceil_div(group.count, ceil_div(group.count, kernels_.tile_queries));
}

void AttentionRun::pack(const QueryGroup& group, const AttentionWorkspace& work) const {
  for (int64_t i = 0; i < group.count; ++i) {
    work.rows[i] = shape_.query(*group.slice, group.kv_head, group.first + i);
  }
  PackTask task;
  task.rows = work.rows;
  task.count = static_cast<int>(group.count);
  task.tile = static_cast<int>(tile_queries(group));
  task.key_dim = shape_.key_dim;
  task.to = work.q;
  kernels_.pack[shape_.pool.geometry().key_element](task);
}

// The blocks of a partition and of the one after it, as far as the group sees them.
void AttentionRun::find_blocks(const QueryGroup& group, int64_t partition,
                               const AttentionWorkspace& work) const {
  const int64_t start = partition * kPartitionBlocks;
  const int64_t begin = std::max(group.seen.begin / kKvBlockTokens, start);
  const int64_t end =
      std::min(ceil_div(group.seen.end, kKvBlockTokens), start + 2 * kPartitionBlocks);
  for (int64_t b = begin; b < end; ++b) {
    work.blocks[b - start] =
        shape_.pool.head(group.slice->block_table[static_cast<size_t>(b)], group.kv_head);
  }
}

template <typename Sink>
void AttentionRun::partition(const QueryGroup& group, int64_t index, const AttentionWorkspace& work,
                             const Sink& sink) const {
  find_blocks(group, index, work);
  const CpuKvPool::Geometry& geometry = shape_.pool.geometry();
  const int64_t step = tile_queries(group);
  for (int64_t first = 0; first < group.count; first += step) {
    const AttentionTile t = tile(group, index, first, std::min(step, group.count - first), work);
    const auto sees = [&](int i) { return t.begin[i] < t.end[i]; };
    bool any = false;
    for (int i = 0; i < t.queries; ++i) any = any || sees(i);
    if (!any) continue;
    kernels_.score[geometry.key_element](t);
    kernels_.weigh(t);
    kernels_.gather[geometry.value_element](t);
    sink(first, t.queries, t.out);
  }
}

AttentionTile AttentionRun::tile(const QueryGroup& group, int64_t partition, int64_t first,
                                 int64_t queries, const AttentionWorkspace& work) const {
  const int64_t start = partition * kPartitionTokens;
  for (int64_t i = 0; i < queries; ++i) {
    const TokenRange seen = shape_.seen(*group.slice, group.first + first + i);
    const int64_t begin = std::clamp<int64_t>(seen.begin - start, 0, kPartitionTokens);
    const int64_t end = std::clamp<int64_t>(seen.end - start, 0, kPartitionTokens);
    work.begin[i] = static_cast<int32_t>(begin);
    work.end[i] = static_cast<int32_t>(std::max(begin, end));
  }
  AttentionTile t = {};
  t.queries = static_cast<int>(queries);
  t.q = work.q + first * shape_.key_dim;
  t.key_dim = shape_.key_dim;
  t.value_padded = shape_.value_padded;
  t.value_offset = shape_.pool.geometry().value_offset;
  t.blocks = work.blocks;
  t.next = work.blocks + kPartitionBlocks;
  t.next_count = static_cast<int>(std::clamp<int64_t>(
      ceil_div(group.seen.end, kKvBlockTokens) - (partition + 1) * kPartitionBlocks, 0,
      kPartitionBlocks));
  t.begin = work.begin;
  t.end = work.end;
  t.scale = shape_.args.scale;
  t.softcap = shape_.args.softcap;
  t.scores = work.scores;
  t.scaled = work.scaled;
  t.out = work.tile;
  return t;
}

void AttentionRun::finish(const QueryGroup& group, const AttentionSums& sums) const {
  for (int64_t i = 0; i < group.count; ++i) {
    const int64_t query = group.first + i;
    const int64_t head = group.kv_head * shape_.share + query % shape_.share;
    kernels_.finish(from_query(sums, i, shape_.value_padded),
                    shape_.args.sinks != nullptr ? shape_.args.sinks + head : nullptr,
                    shape_.value_dim, shape_.output(*group.slice, group.kv_head, query));
  }
}

}  // namespace

void attention(CpuContext& context, const AttentionArgs& args) {
  check(args);
  AttentionRun(context, args).run();
}

}  // namespace chasqui::backend::cpu
