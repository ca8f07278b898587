// Compiled once per instruction-set level.
#include "backend/cpu/kv_pool_kernels.h"

#include "backend/cpu/kv_elements.h"

namespace chasqui::backend::cpu::CHASQUI_ISA {

KvPoolKernels kv_pool_kernels();
void add_block_stores(KvPoolKernels& kernels);  // kv_block_kernels.cc

namespace {

// A whole block: 16 tokens of one dimension are gathered, rounded together and stored as a line.
template <class Element>
void store_key_block(const KvStoreTask& task, typename Element::Bits* to) {
  for (int64_t i = 0; i < task.dim; ++i) {
    float column[16];
    for (int t = 0; t < 16; ++t) column[t] = task.rows[t * task.row_stride + i];
    Element::store(to + i * 16, load(column));
  }
}

// A part of a block, mostly one token of a decode step: rounded 16 dimensions at a time.
template <class Element>
void store_keys(const KvStoreTask& task) {
  auto* to = reinterpret_cast<typename Element::Bits*>(task.to);
  if (task.count == 16) return store_key_block<Element>(task, to);
  for (int t = 0; t < task.count; ++t) {
    const float* row = task.rows + t * task.row_stride;
    for (int64_t i = 0; i < task.dim; i += 16) {
      const int n = static_cast<int>(task.dim - i < 16 ? task.dim - i : 16);
      typename Element::Bits rounded[16];
      Element::store(rounded, load_first(row + i, n));
      for (int j = 0; j < n; ++j) to[(i + j) * 16 + task.first + t] = rounded[j];
    }
  }
}

template <class Element>
void store_values(const KvStoreTask& task) {
  const int64_t padded = (task.dim + 15) / 16 * 16;
  auto* to = reinterpret_cast<typename Element::Bits*>(task.to) + task.first * padded;
  for (int t = 0; t < task.count; ++t, to += padded) {
    const float* row = task.rows + t * task.row_stride;
    int64_t i = 0;
    for (; i + 16 <= task.dim; i += 16) Element::store(to + i, load(row + i));
    const int n = static_cast<int>(task.dim - i);
    if (n > 0) Element::store_first(to + i, load_first(row + i, n), n);
  }
}

}  // namespace

KvPoolKernels kv_pool_kernels() {
  KvPoolKernels kernels = {
      {store_keys<F32Element>, store_keys<F16Element>, store_keys<Bf16Element>},
      {store_values<F32Element>, store_values<F16Element>, store_values<Bf16Element>}};
  add_block_stores(kernels);
  return kernels;
}

}  // namespace chasqui::backend::cpu::CHASQUI_ISA
