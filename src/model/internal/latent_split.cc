#include "model/internal/latent_split.h"

#include <cstring>
#include <vector>

#include "quant/quant_type.h"

namespace chasqui::model {
namespace {

size_t bytes_of(DType type, int64_t values) {
  return static_cast<size_t>(row_bytes(type, static_cast<uint64_t>(values)).value_or(0));
}

Result<SplitPart> make_part(DType type, std::array<int64_t, 4> dims) {
  SplitPart part;
  part.view.type = type;
  part.view.dims = dims;
  const size_t bytes = bytes_of(type, dims[0]) * static_cast<size_t>(dims[1] * dims[2]);
  CHASQUI_TRY(part.bytes, Buffer::allocate(bytes));
  part.view.bytes = {part.bytes.data(), bytes};
  return part;
}

}  // namespace

Result<SplitPart> split_keys(const TensorView& whole, const LatentHeads& heads) {
  const int64_t rank = whole.cols();
  const int64_t plain = heads.plain_key;
  const DType type = whole.type == DType::kF32 ? DType::kF32 : DType::kF16;
  CHASQUI_TRY(SplitPart part, make_part(type, {plain, rank, heads.heads, 1}));
  const size_t from_row = bytes_of(whole.type, rank);
  const size_t to_row = bytes_of(type, plain);
  std::vector<float> decoded(static_cast<size_t>(plain * rank));
  std::vector<float> row(static_cast<size_t>(plain));
  for (int64_t head = 0; head < heads.heads; ++head) {
    const auto first = static_cast<size_t>(head * (plain + heads.value));
    const std::byte* from = whole.bytes.data() + first * from_row;
    for (int64_t i = 0; i < plain; ++i) {
      quant::decode_row(
          whole.type, from + static_cast<size_t>(i) * from_row,
          std::span(decoded).subspan(static_cast<size_t>(i * rank), static_cast<size_t>(rank)));
    }
    std::byte* to = part.bytes.data() + static_cast<size_t>(head * rank) * to_row;
    for (int64_t r = 0; r < rank; ++r) {
      for (int64_t i = 0; i < plain; ++i) {
        row[static_cast<size_t>(i)] = decoded[static_cast<size_t>(i * rank + r)];
      }
      quant::encode_row(type, row, {}, to + static_cast<size_t>(r) * to_row);
    }
  }
  return part;
}

Result<SplitPart> split_values(const TensorView& whole, const LatentHeads& heads) {
  CHASQUI_TRY(SplitPart part, make_part(whole.type, {whole.cols(), heads.value, heads.heads, 1}));
  const size_t row = bytes_of(whole.type, whole.cols());
  const size_t bytes = row * static_cast<size_t>(heads.value);
  for (int64_t head = 0; head < heads.heads; ++head) {
    const int64_t first = head * (heads.plain_key + heads.value) + heads.plain_key;
    std::memcpy(part.bytes.data() + static_cast<size_t>(head) * bytes,
                whole.bytes.data() + static_cast<size_t>(first) * row, bytes);
  }
  return part;
}

}  // namespace chasqui::model
