#include "backend/cpu/kv_pool.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "backend/cpu/cpu_ops.h"
#include "backend/op_checks.h"
#include "base/check.h"
#include "base/checked_math.h"

namespace chasqui::backend::cpu {
namespace {

struct ElementRow {
  DType type;
  KvElement element;
};

constexpr ElementRow kElements[] = {
    {DType::kF32, kKvF32}, {DType::kF16, kKvF16}, {DType::kBF16, kKvBf16},
    {DType::kQ8_0, kKvQ8}, {DType::kQ4_0, kKvQ4},
};

const ElementRow* find_element(DType type) {
  for (const ElementRow& row : kElements) {
    if (row.type == type) return &row;
  }
  return nullptr;
}

// Values below which storing (about 10 us on one core) is not worth waking the team.
constexpr int64_t kInlineValues = 16 * 1024;

// The rows of a slice that fall into its i-th touched block, for all heads.
void store_block(const StoreKvArgs& args, const KvPoolKernels& kernels, const SequenceSlice& slice,
                 int64_t i) {
  const CpuKvPool& pool = cpu_pool(args.pool);
  const KvSpec& spec = pool.spec();
  const CpuKvPool::Geometry& geometry = pool.geometry();
  const int64_t index = slice.kv_begin / kKvBlockTokens + i;  // in the block table
  const int64_t begin = std::max(slice.kv_begin, index * kKvBlockTokens);
  const int64_t end = std::min(slice.kv_begin + slice.row_count, (index + 1) * kKvBlockTokens);
  const int64_t row = slice.row_begin + begin - slice.kv_begin;
  for (int64_t head = 0; head < spec.kv_heads; ++head) {
    KvStoreTask task;
    task.first = static_cast<int>(begin % kKvBlockTokens);
    task.count = static_cast<int>(end - begin);
    task.rows = args.k.row(row) + head * spec.key_dim;
    task.row_stride = args.k.stride;
    task.dim = spec.key_dim;
    task.to = pool.head(slice.block_table[static_cast<size_t>(index)], head);
    kernels.store_keys[geometry.key_element](task);
    task.rows = args.v.row(row) + head * spec.value_dim;
    task.row_stride = args.v.stride;
    task.dim = spec.value_dim;
    task.to += geometry.value_offset;
    kernels.store_values[geometry.value_element](task);
  }
}

// Bytes of 16 tokens with `dim` values each.
int64_t token_block_bytes(DType type, int64_t dim) {
  const DTypeInfo& info = dtype_info(type);
  return kKvBlockTokens * (dim / info.block_values) * info.block_bytes;
}

int64_t blocks_touched(const SequenceSlice& slice) {
  if (slice.row_count == 0) return 0;
  return ceil_div(slice.kv_begin + slice.row_count, kKvBlockTokens) -
         slice.kv_begin / kKvBlockTokens;
}

}  // namespace

CpuKvPool::Geometry CpuKvPool::geometry(const KvSpec& spec) {
  const ElementRow* key = find_element(spec.key_type);
  const ElementRow* value = find_element(spec.value_type);
  CHASQUI_CHECK(key != nullptr && value != nullptr, "cache types were not checked");
  Geometry g;
  g.key_element = key->element;
  g.value_element = value->element;
  g.value_padded = (spec.value_dim + 15) / 16 * 16;
  g.value_offset = token_block_bytes(spec.key_type, spec.key_dim);
  g.head_bytes = g.value_offset + token_block_bytes(spec.value_type, g.value_padded);
  g.block_bytes = spec.kv_heads * g.head_bytes;
  return g;
}

CpuKvPool::CpuKvPool(const KvSpec& spec, Buffer memory)
    : KvPool(spec), geometry_(geometry(spec)), memory_(std::move(memory)) {}

void CpuKvPool::read_block(int32_t block, std::byte* to) const {
  std::memcpy(to, head(block, 0), static_cast<size_t>(geometry_.block_bytes));
}

void CpuKvPool::write_block(int32_t block, const std::byte* from) {
  std::memcpy(head(block, 0), from, static_cast<size_t>(geometry_.block_bytes));
}

void CpuKvPool::copy_block(int32_t from, int32_t to) {
  std::memcpy(head(to, 0), head(from, 0), static_cast<size_t>(geometry_.block_bytes));
}

const CpuKvPool& cpu_pool(const KvPool* pool) {
  const auto* mine = dynamic_cast<const CpuKvPool*>(pool);
  CHASQUI_CHECK(mine != nullptr, "a cache pool of another backend");
  return *mine;
}

bool supports_kv_type(DType type) {
  return find_element(type) != nullptr;
}

Result<std::unique_ptr<KvPool>> allocate_kv(const CpuContext& context, const KvSpec& spec) {
  for (DType type : {spec.key_type, spec.value_type}) {
    if (supports_kv_type(type)) continue;
    std::string known;
    for (const ElementRow& row : kElements) {
      known += fmt::format("{}{}", known.empty() ? "" : ", ", dtype_info(row.type).name);
    }
    return fail(ErrorCode::kUnsupported,
                fmt::format("the CPU's KV cache cannot be of type {} (it can be {})",
                            dtype_info(type).name, known));
  }
  CHASQUI_TRY_STATUS(check_whole_blocks(spec));
  CHASQUI_CHECK(spec.blocks >= 0 && spec.kv_heads > 0 && spec.key_dim > 0 && spec.value_dim > 0,
                "{} blocks of {} heads of {} and {}", spec.blocks, spec.kv_heads, spec.key_dim,
                spec.value_dim);
  const auto block = static_cast<uint64_t>(CpuKvPool::geometry(spec).block_bytes);
  const auto bytes = checked_mul(static_cast<uint64_t>(spec.blocks), block);
  if (!bytes) {
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("a KV cache of {} blocks of {} bytes", spec.blocks, block));
  }
  CHASQUI_TRY(Buffer memory, Buffer::allocate(*bytes));
  if (context.place_memory) context.place_memory({memory.data(), memory.size()});
  return std::make_unique<CpuKvPool>(spec, std::move(memory));
}

void store_kv(CpuContext& context, const StoreKvArgs& args) {
  check(args);
  const KvPoolKernels& kernels = context.kernels.kv_pool;
  int64_t tasks = 0;
  for (const SequenceSlice& slice : args.slices) tasks += blocks_touched(slice);
  const auto store = [&](int64_t task, int) {
    // A step has few slices: finding the task's by counting is cheaper than keeping a list.
    size_t s = 0;
    for (; task >= blocks_touched(args.slices[s]); ++s) task -= blocks_touched(args.slices[s]);
    store_block(args, kernels, args.slices[s], task);
  };
  if (args.k.rows * (args.k.cols + args.v.cols) >= kInlineValues) {
    context.team.run(tasks, store);
  } else {
    for (int64_t task = 0; task < tasks; ++task) store(task, 0);
  }
}

}  // namespace chasqui::backend::cpu
