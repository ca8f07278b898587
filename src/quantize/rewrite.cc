#include "quantize/rewrite.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>

#include "base/thread_team.h"
#include "gguf/writer.h"
#include "quant/quant_type.h"

namespace chasqui::quantize {
namespace {

// Of the scheme that all block formats of GGUF follow.
constexpr uint32_t kQuantizationVersion = 2;

constexpr float kLargestF16 = 65504.0f;

// Values of one slab, the unit of writing, and of one task of a thread.
constexpr int64_t kSlabValues = 1 << 22;
constexpr int64_t kTaskValues = 1 << 15;

// Types whose values are close enough to what was trained.
constexpr DType kGoodSources[] = {DType::kF32, DType::kF16, DType::kBF16, DType::kQ8_0};

bool is_converted(const TensorPlan& plan) {
  return plan.type != plan.tensor->view.type;
}

uint64_t planned_bytes(const TensorPlan& plan) {
  const TensorView& view = plan.tensor->view;
  const auto rows = static_cast<uint64_t>(view.elements() / view.cols());
  return row_bytes(plan.type, static_cast<uint64_t>(view.cols())).value_or(0) * rows;
}

int64_t matrices(const TensorView& view) {
  return view.dims[2] * view.dims[3];
}

Status check_importance(const TensorPlan& plan, const RewriteOptions& options) {
  const std::string& name = plan.tensor->name;
  const bool measured = name != "output.weight" && !name.ends_with("token_embd.weight");
  const bool known = options.importance != nullptr && options.importance->has(name);
  if (known) {
    const TensorView& view = plan.tensor->view;
    const auto weights = options.importance->weights(name, view.cols(), matrices(view), 0);
    return weights ? Status{} : Status(fail(weights.error()));
  }
  if (!measured || !quant::find_quant_type(plan.type)->needs_weights) return {};
  const std::string_view type = dtype_info(plan.type).name;
  if (options.importance == nullptr) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} would become {}, which is not worth having without an importance "
                            "matrix: make one with `chasqui imatrix MODEL TEXT -o FILE` and give "
                            "it with --imatrix FILE",
                            name, type),
                "imatrix");
  }
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("{} would become {}, but the importance matrix {} says nothing of it",
                          name, type, options.importance_name),
              "imatrix");
}

Status check_tensor(const gguf::File& file, const TensorPlan& plan, const RewriteOptions& options) {
  if (!is_converted(plan)) return {};
  const DType from = plan.tensor->view.type;
  const std::string_view type = dtype_info(from).name;
  if (quant::find_quant_type(from) == nullptr) {
    return fail(ErrorCode::kUnsupported, fmt::format("{}: {} has type {}, which cannot be decoded",
                                                     file.path(), plan.tensor->name, type));
  }
  if (!options.allow_requantize &&
      std::ranges::find(kGoodSources, from) == std::end(kGoodSources)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: {} is {} already, and rounding twice loses twice: start from the "
                            "F32, F16, BF16 or Q8_0 file, or say --allow-requantize",
                            file.path(), plan.tensor->name, type));
  }
  return check_importance(plan, options);
}

// The metadata of the new file, in the old one's order.
void add_metadata(const gguf::File& file, const RewriteOptions& options, gguf::Writer& writer) {
  const std::pair<std::string_view, uint32_t> set[] = {
      {"general.file_type", options.file_type.code},
      {"general.quantization_version", kQuantizationVersion},
  };
  for (const auto& [key, value] : file.metadata()) {
    const bool replaced =
        std::ranges::any_of(set, [&](const auto& row) { return row.first == key; });
    if (replaced || key.starts_with("split.") || key.starts_with("quantize.imatrix.")) continue;
    writer.add_value(key, value);
  }
  for (const auto& [key, value] : set) writer.add_uint32(key, value);
  if (options.importance == nullptr) return;
  const ImportanceSource& source = options.importance->source();
  writer.add_string("quantize.imatrix.file", options.importance_name);
  if (!source.datasets.empty()) {
    writer.add_string("quantize.imatrix.dataset", source.datasets.back());
  }
  writer.add_int32("quantize.imatrix.entries_count",
                   static_cast<int32_t>(options.importance->size()));
  writer.add_int32("quantize.imatrix.chunks_count", static_cast<int32_t>(source.chunks));
}

// Converts tensors one after another into `writer`.
class Converter {
 public:
  Converter(const RewriteOptions& options, const WriteOptions& write, uint64_t total_bytes,
            gguf::Writer& writer)
      : options_(options),
        write_(write),
        total_bytes_(total_bytes),
        writer_(writer),
        team_(write.threads),
        rows_(static_cast<size_t>(write.threads)) {}

  Status copy(const TensorView& view) {
    constexpr size_t kPiece = size_t{4} << 20;
    for (size_t at = 0; at < view.bytes.size(); at += kPiece) {
      CHASQUI_TRY_STATUS(put(view.bytes.subspan(at, std::min(kPiece, view.bytes.size() - at))));
    }
    return {};
  }

  Status convert(const TensorPlan& plan) {
    const TensorView& view = plan.tensor->view;
    const int64_t count = matrices(view);
    for (int64_t m = 0; m < count; ++m) {
      std::vector<float> weights;
      if (options_.importance != nullptr) {
        CHASQUI_TRY(weights,
                    options_.importance->weights(plan.tensor->name, view.cols(), count, m));
      }
      CHASQUI_TRY_STATUS(convert_matrix(plan, m * view.rows(), weights));
    }
    return {};
  }

 private:
  // Rows `first` to first + view.rows().
  Status convert_matrix(const TensorPlan& plan, int64_t first, std::span<const float> weights) {
    const int64_t rows = plan.tensor->view.rows();
    const int64_t slab = std::max<int64_t>(1, kSlabValues / plan.tensor->view.cols());
    for (int64_t at = 0; at < rows; at += slab) {
      CHASQUI_TRY_STATUS(convert_rows(plan, first + at, std::min(slab, rows - at), weights));
    }
    return {};
  }

  Status convert_rows(const TensorPlan& plan, int64_t first, int64_t rows,
                      std::span<const float> weights) {
    const TensorView& view = plan.tensor->view;
    const auto cols = static_cast<size_t>(view.cols());
    const size_t old_row = view.bytes.size() / static_cast<size_t>(view.elements() / view.cols());
    const size_t new_row = *row_bytes(plan.type, cols);
    slab_.resize(static_cast<size_t>(rows) * new_row);
    const int64_t task_rows = std::max<int64_t>(1, kTaskValues / view.cols());
    std::atomic<bool> finite{true};
    std::atomic<bool> too_large{false};
    team_.run((rows + task_rows - 1) / task_rows, [&](int64_t task, int thread) {
      std::vector<float>& row = rows_[static_cast<size_t>(thread)];
      row.resize(cols);
      for (int64_t r = task * task_rows; r < std::min(rows, (task + 1) * task_rows); ++r) {
        const auto from = static_cast<size_t>(first + r) * old_row;
        quant::decode_row(view.type, view.bytes.data() + from, row);
        if (!all_finite(row)) finite.store(false, std::memory_order_relaxed);
        if (plan.type == DType::kF16 && !fits_f16(row)) {
          too_large.store(true, std::memory_order_relaxed);
        }
        quant::encode_row(plan.type, row, weights, slab_.data() + static_cast<size_t>(r) * new_row);
      }
    });
    if (!finite) {
      return fail(ErrorCode::kCorrupt,
                  fmt::format("{} holds NaN or infinity: the file is damaged", plan.tensor->name));
    }
    if (too_large) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("{} holds values beyond 65504, the largest of F16: take BF16",
                              plan.tensor->name));
    }
    return put(slab_);
  }

  static bool fits_f16(std::span<const float> row) {
    return std::ranges::none_of(row, [](float v) { return std::abs(v) > kLargestF16; });
  }

  // An infinity or NaN makes the sum of x * 0 a NaN.
  static bool all_finite(std::span<const float> row) {
    float sum = 0;
    for (const float value : row) sum += value * 0.0f;
    return sum == 0;
  }

  Status put(std::span<const std::byte> bytes) {
    if (write_.cancelled && write_.cancelled()) return fail(ErrorCode::kCancelled, "interrupted");
    CHASQUI_TRY_STATUS(writer_.append(bytes));
    written_ += bytes.size();
    if (write_.progress) {
      write_.progress(static_cast<double>(written_) / static_cast<double>(total_bytes_));
    }
    return {};
  }

  const RewriteOptions& options_;
  const WriteOptions& write_;
  const uint64_t total_bytes_;
  gguf::Writer& writer_;
  ThreadTeam team_;
  std::vector<std::vector<float>> rows_;  // one decoded row a thread
  std::vector<std::byte> slab_;
  uint64_t written_ = 0;
};

}  // namespace

Result<RewritePlan> plan_rewrite(const gguf::File& file, const RewriteOptions& options) {
  RewritePlan plan;
  CHASQUI_TRY(plan.tensors,
              plan_types(file, options.file_type, options.choices, options.importance != nullptr));
  for (const TensorPlan& tensor : plan.tensors) {
    CHASQUI_TRY_STATUS(check_tensor(file, tensor, options));
    plan.old_bytes += tensor.tensor->view.bytes.size();
    plan.new_bytes += planned_bytes(tensor);
  }
  return plan;
}

Status write_rewritten(const gguf::File& file, const RewriteOptions& options,
                       const RewritePlan& plan, const std::string& path,
                       const WriteOptions& write) {
  gguf::Writer writer;
  add_metadata(file, options, writer);
  for (const TensorPlan& tensor : plan.tensors) {
    const auto dims = std::span(tensor.tensor->view.dims);
    writer.declare_tensor(tensor.tensor->name, tensor.type,
                          dims.first(static_cast<size_t>(tensor.tensor->n_dims)));
  }
  CHASQUI_TRY_STATUS(writer.open(path, write.overwrite));
  Converter converter(options, write, plan.new_bytes, writer);
  for (const TensorPlan& tensor : plan.tensors) {
    CHASQUI_TRY_STATUS(is_converted(tensor) ? converter.convert(tensor)
                                            : converter.copy(tensor.tensor->view));
    file.release(*tensor.tensor);
  }
  return writer.finish();
}

}  // namespace chasqui::quantize
