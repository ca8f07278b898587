// Stores of the quantised cache types (layout: kv_pool.h). Compiled once per instruction-set level.
#include "backend/cpu/kv_blocks.h"
#include "backend/cpu/kv_pool_kernels.h"

namespace chasqui::backend::cpu::CHASQUI_ISA {

void add_block_stores(KvPoolKernels& kernels);

namespace {

// One group of the task's tokens, each in the lane of its place in the block; other lanes are 0.
void load_columns(const KvStoreTask& task, int64_t group, KvColumns& x) {
  float columns[kKvGroup][16] = {};
  for (int t = 0; t < task.count; ++t) {
    const float* row = task.rows + t * task.row_stride + group * kKvGroup;
    for (int64_t i = 0; i < kKvGroup; ++i) columns[i][task.first + t] = row[i];
  }
  for (int64_t i = 0; i < kKvGroup; ++i) x[i] = load(columns[i]);
}

template <class Blocks>
void encode(const KvColumns& x, int offset, KvCodes& to) {
  to.scale = rounded_to_half(Blocks::fit(x));
  const F32x16 inv = inverse(to.scale);
  for (int64_t i = 0; i < kKvGroup; ++i) {
    const I32x16 code = to_i32(quantized(mul(x[i], inv), Blocks::kLow, Blocks::kHigh));
    to.codes[i] = iand(iadd(code, iset1(offset)), iset1(255));
  }
}

// `unit_stride` and `token_stride`: 32-bit units between neighbours in the group's codes.
template <class Blocks>
void store_groups(const KvStoreTask& task, int offset, int unit_stride, int token_stride) {
  const int64_t groups = task.dim / kKvGroup;
  for (int64_t g = 0; g < groups; ++g) {
    KvColumns x;
    KvCodes group;
    load_columns(task, g, x);
    encode<Blocks>(x, offset, group);
    uint16_t scales[16];
    store_f16(scales, group.scale);
    const size_t places = static_cast<size_t>(task.count) * 2;
    __builtin_memcpy(task.to + g * kKvScaleBytes + task.first * 2, scales + task.first, places);
    uint8_t* codes = task.to + groups * kKvScaleBytes + g * kKvCodeBytes<Blocks>;
    for (int u = 0; u < Blocks::kUnits; ++u) {
      int32_t units[16];
      store_i32(units, Blocks::unit(group.codes, u));
      for (int t = task.first; t < task.first + task.count; ++t) {
        __builtin_memcpy(codes + (u * unit_stride + t * token_stride) * 4, &units[t], 4);
      }
    }
  }
}

template <class Blocks>
void store_keys(const KvStoreTask& task) {
  store_groups<Blocks>(task, Blocks::kKeyOffset, 16, 1);
}

template <class Blocks>
void store_values(const KvStoreTask& task) {
  store_groups<Blocks>(task, Blocks::kValueOffset, 1, Blocks::kUnits);
}

}  // namespace

void add_block_stores(KvPoolKernels& kernels) {
  kernels.store_keys[kKvQ8] = store_keys<Q8Blocks>;
  kernels.store_keys[kKvQ4] = store_keys<Q4Blocks>;
  kernels.store_values[kKvQ8] = store_values<Q8Blocks>;
  kernels.store_values[kKvQ4] = store_values<Q4Blocks>;
}

}  // namespace chasqui::backend::cpu::CHASQUI_ISA
