// The reference backend's parts, shared by its source files (one for each family of ops).
// Everything is scalar, single-threaded, and adds in double precision from first to last: this
// code is read to know what an op means, and run to know what it should have answered.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "backend/backend.h"

namespace chasqui::backend {

// Keeps the bytes of the model file and decodes rows on demand.
class ReferenceWeight final : public Weight {
 public:
  ReferenceWeight(const TensorView& view, int64_t row_bytes)
      : Weight(view), data_(view.bytes.data()), row_bytes_(row_bytes) {}

  // to: [cols]
  void decode(int64_t expert, int64_t row, std::vector<float>& to) const;

 private:
  const std::byte* data_;
  int64_t row_bytes_;
};

// Blocks of [token][kv head][key bytes | value bytes]; every key and value row is encoded and
// decoded by quant/, so that any type with an encoder is a cache type here.
class ReferenceKvPool final : public KvPool {
 public:
  ReferenceKvPool(const KvSpec& spec, Buffer memory);

  int64_t block_bytes() const override;
  void read_block(int32_t block, std::byte* to) const override;
  void write_block(int32_t block, const std::byte* from) override;
  void copy_block(int32_t from, int32_t to) override;

  // A key ([key_dim]) or value ([value_dim]) of the sequence with this block table.
  void store(const SequenceSlice& slice, int64_t position, int64_t kv_head, const float* key,
             const float* value);
  void load(const SequenceSlice& slice, int64_t position, int64_t kv_head, std::vector<float>& key,
            std::vector<float>& value) const;

  // Bytes of a pool. REQUIRES: check_whole_blocks(spec).
  static int64_t bytes(const KvSpec& spec);

 private:
  std::byte* at(const SequenceSlice& slice, int64_t position, int64_t kv_head) const;

  int64_t key_bytes_;
  int64_t value_bytes_;
  Buffer memory_;
};

class ReferenceBackend final : public Backend {
 public:
  std::string name() const override { return "reference"; }
  Result<std::unique_ptr<Weight>> prepare(const TensorView& view, WeightUse use,
                                          std::string_view tensor_name) override;
  Result<std::unique_ptr<KvPool>> allocate_kv(const KvSpec& spec) override;
  Result<std::unique_ptr<StatePool>> allocate_states(const StateSpec& spec) override;
  Result<Buffer> allocate(size_t bytes) override { return Buffer::allocate(bytes); }
  bool supports_kv_type(DType type) const override;

  void embed(const EmbedArgs& args) override;
  void linear(const LinearArgs& args) override;
  void norm(const NormArgs& args) override;
  void rope(const RopeArgs& args) override;
  void store_kv(const StoreKvArgs& args) override;
  void attention(const AttentionArgs& args) override;
  void activation(const ActivationArgs& args) override;
  void add(const AddArgs& args) override;
  void scale_rows(const ScaleRowsArgs& args) override;
  void copy(const CopyArgs& args) override;
  void route_experts(const RouteArgs& args) override;
  void expert_linear(const ExpertLinearArgs& args) override;
  void combine_experts(const CombineArgs& args) override;
  void gather_rows(const GatherArgs& args) override;
  void conv_update(const ConvUpdateArgs& args) override;
  void delta_rule(const DeltaRuleArgs& args) override;
  void read(const float* from, float* to, int64_t count) override;
};

}  // namespace chasqui::backend
