// Kernels that write keys and values into cache blocks (layout: kv_pool.h).
#pragma once

#include <stdint.h>

namespace chasqui::backend::cpu {

// The element types that a cache can hold; indexes the kernel tables. A new type is one enumerator,
// one row in kv_pool.cc, one struct in kv_elements.h or kv_blocks.h and one entry in each kernel
// list.
enum KvElement { kKvF32, kKvF16, kKvBf16, kKvQ8, kKvQ4, kKvElements };

// Dimensions of a group of a quantised type: one scale for each token.
constexpr int64_t kKvGroup = 32;

// Neighbouring tokens of one KV head inside one block.
struct KvStoreTask {
  const float* rows;   // first token's values of this head
  int64_t row_stride;  // floats between tokens
  int64_t dim;
  int first;    // token of the block that the first row is
  int count;    // first + count <= 16
  uint8_t* to;  // the head's keys, or its values, in the block
};

struct KvPoolKernels {
  // to[i][first + t] = rows[t][i]: transposed, 16 tokens a line. Quantised types: kv_pool.h.
  void (*store_keys[kKvElements])(const KvStoreTask& task);
  // to[first + t][i] = rows[t][i], lines padded to a multiple of 16 (the padding is not written).
  void (*store_values[kKvElements])(const KvStoreTask& task);
};

}  // namespace chasqui::backend::cpu
