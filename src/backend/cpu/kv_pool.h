// The CPU's KV cache of one layer.
//
// Layout, outermost first: block; KV head; keys, then values of the 16 tokens. Keys are transposed,
// [key_dim][16 tokens], so that the scores of 16 tokens are one vector with a lane for each and
// need no horizontal sums. Values are [16 tokens][value_dim padded to 16]. A head's part of a block
// is contiguous (8 KiB for 128-wide f16 heads): a task reads one stream a block.
//
// Q8_0 and Q4_0 hold groups of 32 dimensions of 16 tokens, as many bytes as the blocks of the GGUF
// types of these names: first the scales of all groups, [groups][16 tokens] f16, then each group's
// codes, rounded as quant/ rounds them. Four dimensions of a token are one 32-bit unit (Q4_0: its
// low nibbles dimensions 4i .. 4i + 3 of the group, its high ones those 16 further); a group has 8
// units a token (Q4_0: 4). Keys: [units][16 tokens], so that an integer dot product of four
// dimensions has a lane for each token. Values: [16 tokens][units]. Codes: value + 8 in Q4_0; in
// Q8_0 value + 128 for keys (unsigned for the product) and value for values.
//
// Pages are zeroed by the kernel when first touched, so an unused pool costs no memory. Blocks
// handed out again hold what their last owner left: readers go by positions, never by contents.
//
// Threads: store and read of different blocks, or of different heads, may run at the same time.
#pragma once

#include <cstddef>
#include <cstdint>

#include "backend/backend.h"
#include "backend/cpu/kv_pool_kernels.h"
#include "tensor/buffer.h"

namespace chasqui::backend::cpu {

class CpuKvPool final : public KvPool {
 public:
  // Where things are, in bytes.
  struct Geometry {
    KvElement key_element;
    KvElement value_element;
    int64_t value_padded;  // values in a line
    int64_t value_offset;  // of a head's values from its keys
    int64_t head_bytes;
    int64_t block_bytes;
  };

  // REQUIRES: supports_kv_type of both types; memory of spec.blocks * geometry(spec).block_bytes.
  CpuKvPool(const KvSpec& spec, Buffer memory);
  static Geometry geometry(const KvSpec& spec);

  const Geometry& geometry() const { return geometry_; }
  // The keys of one head in one block.
  uint8_t* head(int64_t block, int64_t kv_head) const {
    return memory_.as<uint8_t>() + block * geometry_.block_bytes + kv_head * geometry_.head_bytes;
  }

  int64_t block_bytes() const override { return geometry_.block_bytes; }
  void read_block(int32_t block, std::byte* to) const override;
  void write_block(int32_t block, const std::byte* from) override;
  void copy_block(int32_t from, int32_t to) override;

 private:
  const Geometry geometry_;
  const Buffer memory_;
};

// CHECKs that the pool is one of this backend.
const CpuKvPool& cpu_pool(const KvPool* pool);

}  // namespace chasqui::backend::cpu
