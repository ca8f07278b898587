#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "backend/internal/reference_backend.h"
#include "backend/op_checks.h"
#include "base/check.h"
#include "quant/quant_type.h"

namespace chasqui::backend {
namespace {

const ReferenceKvPool& own(const KvPool* pool) {
  const auto* mine = dynamic_cast<const ReferenceKvPool*>(pool);
  CHASQUI_CHECK(mine != nullptr, "a cache pool of another backend");
  return *mine;
}

int64_t head_bytes(DType type, int64_t dim) {
  return static_cast<int64_t>(row_bytes(type, static_cast<uint64_t>(dim)).value_or(0));
}

void encode(DType type, const float* from, std::byte* to, int64_t dim) {
  quant::find_quant_type(type)->encode(from, nullptr, to, dim / dtype_info(type).block_values);
}

// The cache positions that one row attends to: [begin, end).
struct Visible {
  int64_t begin;
  int64_t end;
};

Visible visible(const AttentionArgs& args, const SequenceSlice& slice, int64_t row) {
  const int64_t position = slice.kv_begin + row;
  const int64_t length = slice.kv_begin + slice.row_count;
  Visible range = {0, args.causal ? position + 1 : length};
  if (args.window > 0) {
    range.begin = std::max<int64_t>(0, position - args.window + 1);
    range.end = std::min(range.end, position + args.window);
  }
  return range;
}

// One query head of one row. q: [key_dim]; out: [value_dim].
void attend(const AttentionArgs& args, const SequenceSlice& slice, int64_t row, int64_t head) {
  const KvSpec& spec = args.pool->spec();
  const int64_t kv_head = head / (args.heads / spec.kv_heads);
  const float* q = args.q.row(slice.row_begin + row) + head * spec.key_dim;
  const Visible range = visible(args, slice, row);

  std::vector<double> scores;
  std::vector<float> key, value;
  double best = args.sinks != nullptr ? args.sinks[head] : -std::numeric_limits<double>::infinity();
  for (int64_t p = range.begin; p < range.end; ++p) {
    own(args.pool).load(slice, p, kv_head, key, value);
    double score = 0;
    for (int64_t i = 0; i < spec.key_dim; ++i) score += static_cast<double>(q[i]) * key[i];
    score *= args.scale;
    if (args.softcap > 0) score = args.softcap * std::tanh(score / args.softcap);
    scores.push_back(score);
    best = std::max(best, score);
  }

  double total = args.sinks != nullptr ? std::exp(args.sinks[head] - best) : 0.0;
  std::vector<double> sum(static_cast<size_t>(spec.value_dim), 0.0);
  for (int64_t p = range.begin; p < range.end; ++p) {
    const double weight = std::exp(scores[static_cast<size_t>(p - range.begin)] - best);
    total += weight;
    own(args.pool).load(slice, p, kv_head, key, value);
    for (size_t i = 0; i < sum.size(); ++i) sum[i] += weight * value[i];
  }
  float* out = args.out.row(slice.row_begin + row) + head * spec.value_dim;
  for (size_t i = 0; i < sum.size(); ++i) out[i] = static_cast<float>(sum[i] / total);
}

}  // namespace

ReferenceKvPool::ReferenceKvPool(const KvSpec& spec, Buffer memory)
    : KvPool(spec),
      key_bytes_(head_bytes(spec.key_type, spec.key_dim)),
      value_bytes_(head_bytes(spec.value_type, spec.value_dim)),
      memory_(std::move(memory)) {}

int64_t ReferenceKvPool::block_bytes() const {
  return kKvBlockTokens * spec().kv_heads * (key_bytes_ + value_bytes_);
}

int64_t ReferenceKvPool::bytes(const KvSpec& spec) {
  const int64_t key = head_bytes(spec.key_type, spec.key_dim);
  const int64_t value = head_bytes(spec.value_type, spec.value_dim);
  return spec.blocks * kKvBlockTokens * spec.kv_heads * (key + value);
}

void ReferenceKvPool::read_block(int32_t block, std::byte* to) const {
  std::memcpy(to, memory_.data() + block * block_bytes(), static_cast<size_t>(block_bytes()));
}

void ReferenceKvPool::write_block(int32_t block, const std::byte* from) {
  std::memcpy(memory_.data() + block * block_bytes(), from, static_cast<size_t>(block_bytes()));
}

void ReferenceKvPool::copy_block(int32_t from, int32_t to) {
  std::memcpy(memory_.data() + to * block_bytes(), memory_.data() + from * block_bytes(),
              static_cast<size_t>(block_bytes()));
}

std::byte* ReferenceKvPool::at(const SequenceSlice& slice, int64_t position,
                               int64_t kv_head) const {
  const int64_t block = slice.block_table[static_cast<size_t>(position / kKvBlockTokens)];
  const int64_t slot = position % kKvBlockTokens * spec().kv_heads + kv_head;
  return memory_.data() + block * block_bytes() + slot * (key_bytes_ + value_bytes_);
}

void ReferenceKvPool::store(const SequenceSlice& slice, int64_t position, int64_t kv_head,
                            const float* key, const float* value) {
  std::byte* to = at(slice, position, kv_head);
  encode(spec().key_type, key, to, spec().key_dim);
  encode(spec().value_type, value, to + key_bytes_, spec().value_dim);
}

void ReferenceKvPool::load(const SequenceSlice& slice, int64_t position, int64_t kv_head,
                           std::vector<float>& key, std::vector<float>& value) const {
  const std::byte* from = at(slice, position, kv_head);
  key.resize(static_cast<size_t>(spec().key_dim));
  value.resize(static_cast<size_t>(spec().value_dim));
  quant::decode_row(spec().key_type, from, key);
  quant::decode_row(spec().value_type, from + key_bytes_, value);
}

bool ReferenceBackend::supports_kv_type(DType type) const {
  const quant::QuantType* found = quant::find_quant_type(type);
  return found != nullptr && found->encode != nullptr;
}

Result<std::unique_ptr<KvPool>> ReferenceBackend::allocate_kv(const KvSpec& spec) {
  for (DType type : {spec.key_type, spec.value_type}) {
    if (supports_kv_type(type)) continue;
    return fail(ErrorCode::kUnsupported,
                fmt::format("the KV cache cannot be of type {}", dtype_info(type).name));
  }
  CHASQUI_TRY_STATUS(check_whole_blocks(spec));
  CHASQUI_TRY(Buffer memory, Buffer::allocate(static_cast<size_t>(ReferenceKvPool::bytes(spec))));
  return std::make_unique<ReferenceKvPool>(spec, std::move(memory));
}

void ReferenceBackend::store_kv(const StoreKvArgs& args) {
  check(args);
  auto& pool = const_cast<ReferenceKvPool&>(own(args.pool));
  const KvSpec& spec = pool.spec();
  for (const SequenceSlice& slice : args.slices) {
    for (int64_t r = 0; r < slice.row_count; ++r) {
      for (int64_t head = 0; head < spec.kv_heads; ++head) {
        pool.store(slice, slice.kv_begin + r, head,
                   args.k.row(slice.row_begin + r) + head * spec.key_dim,
                   args.v.row(slice.row_begin + r) + head * spec.value_dim);
      }
    }
  }
}

void ReferenceBackend::attention(const AttentionArgs& args) {
  check(args);
  for (const SequenceSlice& slice : args.slices) {
    for (int64_t r = 0; r < slice.row_count; ++r) {
      for (int64_t head = 0; head < args.heads; ++head) attend(args, slice, r, head);
    }
  }
}

}  // namespace chasqui::backend
