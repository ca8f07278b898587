#include <fmt/format.h>

#include <algorithm>

#include "backend/cpu/cpu_ops.h"
#include "backend/cpu/elementwise_tasks.h"
#include "backend/op_checks.h"
#include "base/check.h"
#include "quant/quant_type.h"

namespace chasqui::backend::cpu {
namespace {

// Rows stay as they are in the model file; a step decodes a few of them.
class Table final : public Weight {
 public:
  Table(const TensorView& view, int64_t row_bytes)
      : Weight(view), bytes_(view.bytes), row_bytes_(row_bytes) {}

  std::span<const std::byte> host_memory() const override { return bytes_; }

  void decode(int64_t row, float* to) const {
    quant::decode_row(type(), bytes_.data() + row * row_bytes_, {to, static_cast<size_t>(cols())});
  }

 private:
  std::span<const std::byte> bytes_;
  int64_t row_bytes_;
};

}  // namespace

Result<std::unique_ptr<Weight>> make_table(const TensorView& view, std::string_view tensor_name) {
  const std::string_view type = dtype_info(view.type).name;
  if (quant::find_quant_type(view.type) == nullptr) {
    return fail(ErrorCode::kUnsupported,
                fmt::format("tensor {}: cannot compute with type {}", tensor_name, type));
  }
  const auto bytes = row_bytes(view.type, static_cast<uint64_t>(view.cols()));
  if (!bytes || view.dims[2] != 1 || view.dims[3] != 1 || view.rows() <= 0 ||
      *bytes * static_cast<uint64_t>(view.rows()) != view.bytes.size()) {
    return fail(
        ErrorCode::kCorrupt,
        fmt::format("tensor {}: {} bytes do not hold a table of [{}, {}, {}, {}] of type {}",
                    tensor_name, view.bytes.size(), view.dims[0], view.dims[1], view.dims[2],
                    view.dims[3], type));
  }
  return std::make_unique<Table>(view, static_cast<int64_t>(*bytes));
}

void embed(CpuContext& context, const EmbedArgs& args) {
  check(args);
  const auto* table = dynamic_cast<const Table*>(args.table);
  CHASQUI_CHECK(table != nullptr, "not a table of this backend");
  const auto scale = context.kernels.elementwise.scale;
  for_rows(context.team, args.out.rows, args.out.cols, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      table->decode(args.ids[static_cast<size_t>(r)], args.out.row(r));
      if (args.scale != 1.0f) scale(args.out.row(r), args.scale, args.out.row(r), args.out.cols);
    }
  });
}

void gather_rows(CpuContext& context, const GatherArgs& args) {
  check(args);
  for_rows(context.team, args.out.rows, args.out.cols, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      std::copy_n(args.x.row(args.rows[static_cast<size_t>(r)]), args.out.cols, args.out.row(r));
    }
  });
}

}  // namespace chasqui::backend::cpu
