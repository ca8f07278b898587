#include "backend/cpu/weights.h"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <utility>

#include "backend/cpu/matrix_weight.h"
#include "backend/cpu/pack.h"
#include "base/checked_math.h"
#include "quant/quant_type.h"

namespace chasqui::backend::cpu {
namespace {

// Shape and bytes fit together and quant/ can read the type.
Status check_view(const TensorView& view, std::string_view name) {
  const DTypeInfo* info = find_dtype(static_cast<uint32_t>(view.type));
  if (info == nullptr || quant::find_quant_type(view.type) == nullptr) {
    return fail(ErrorCode::kUnsupported,
                fmt::format("tensor '{}' has type {}, which cannot be computed with", name,
                            info == nullptr ? "unknown" : info->name));
  }
  const bool sane = view.cols() > 0 && view.rows() > 0 && view.dims[2] > 0 && view.dims[3] == 1;
  const auto row = sane ? row_bytes(view.type, static_cast<uint64_t>(view.cols())) : std::nullopt;
  const auto all = row ? checked_product({{*row, static_cast<uint64_t>(view.rows()),
                                           static_cast<uint64_t>(view.dims[2])}})
                       : std::nullopt;
  if (!all || *all != view.bytes.size()) {
    return fail(ErrorCode::kCorrupt,
                fmt::format("tensor '{}' of type {} and shape [{}, {}, {}, {}] does not fit its "
                            "{} bytes",
                            name, info->name, view.dims[0], view.dims[1], view.dims[2],
                            view.dims[3], view.bytes.size()));
  }
  return {};
}

}  // namespace

WeightStore::WeightStore(CpuContext& context, const CpuOptions& options)
    : context_(context),
      decode_(options.exact || !options.pack_weights),
      cache_(options.pack_cache, options.model_key),
      arena_(context.place_memory) {}
WeightStore::~WeightStore() = default;

void WeightStore::pack(const TensorView& view, std::byte* to) {
  const PanelShape shape = panel_shape(view.type, view.cols());
  const int64_t panels = ceil_div(view.rows(), 16);
  const size_t expert_bytes = view.bytes.size() / static_cast<size_t>(view.dims[2]);
  context_.team.run(panels * view.dims[2], [&](int64_t task, int) {
    const int64_t expert = task / panels;
    const int64_t panel = task % panels;
    pack_panel(view.type, shape, view.bytes.data() + static_cast<size_t>(expert) * expert_bytes,
               view.rows(), panel * 16, to + task * shape.panel_bytes);
  });
}

Result<std::unique_ptr<Weight>> WeightStore::prepare(const TensorView& view,
                                                     std::string_view tensor_name) {
  CHASQUI_TRY_STATUS(check_view(view, tensor_name));
  if (decode_ || !can_pack(view.type)) {
    return std::make_unique<MatrixWeight>(view);
  }
  const PanelShape shape = panel_shape(view.type, view.cols());
  const auto bytes = static_cast<size_t>(packed_bytes(shape, view.rows()) * view.dims[2]);
  auto file = cache_.find(tensor_name, view, bytes);
  if (!file) {
    file = cache_.store(tensor_name, view, bytes, [&](std::byte* to) { pack(view, to); });
  }
  if (file) return std::make_unique<MatrixWeight>(view, std::move(*file), PackCache::kPayloadAt);
  auto memory = arena_.allocate(bytes);
  if (!memory) {
    return fail(memory.error().code,
                fmt::format("packing tensor '{}': {}", tensor_name, memory.error().message));
  }
  pack(view, memory->get());
  return std::make_unique<MatrixWeight>(view, std::move(*memory));
}

}  // namespace chasqui::backend::cpu
